//! `merge`: many allowlists of one unit into one.

use std::{
    ffi::OsStr,
    fs,
    io::{self, BufRead, BufReader},
    num::NonZero,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    thread,
};

use serde::Serialize;

use super::{
    complain,
    error::Error,
    files::{self, Output},
    text::{count, json},
};
use crate::allowlist::{Allowlist, Merged, Merger};

/// Merge the allowlists of one unit, of any number of hosts and weeks, into one.
#[derive(clap::Args)]
#[command(after_help = "\
The result is the same to the byte whatever the order, however often a file is given, and whether it was merged \
before. A name that a reviewer has put in stays; a name that a reviewer has taken out, though it was seen, stays out, \
and that is said.

Examples:
  syscall-recorder merge staging-*.toml -o nginx.toml
  Every .toml file in a folder:
    syscall-recorder merge collected/ -o nginx.toml
  More than a command line can hold:
    find /srv/collected -name nginx.service.toml | syscall-recorder merge --files-from - -o nginx.toml
  Instances of one template:
    syscall-recorder merge web@a.toml web@b.toml --as web@.service -o web.toml")]
pub(super) struct Args {
    /// Allowlist files, or folders with .toml files
    #[arg(value_name = "FILE", required_unless_present = "files_from")]
    files: Vec<PathBuf>,
    /// Read the names of further files from this file, one a line; - is standard input
    #[arg(long, value_name = "FILE")]
    files_from: Option<PathBuf>,
    /// Merge files of different units, and call the result this
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// Write to this file, in place of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the file if it exists
    #[arg(long)]
    force: bool,
    /// Print what was merged, for machines
    #[arg(long, requires = "output")]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    unit: &'a str,
    files: usize,
    recordings: usize,
    hosts: usize,
    names: usize,
    complete: bool,
    kept_out: Vec<KeptOut<'a>>,
}

#[derive(Serialize)]
struct KeptOut<'a> {
    abi: &'static str,
    name: &'a str,
    taken_out_of: &'a str,
}

pub(super) fn merge(args: &Args) -> Result<(), Error> {
    let standard_output = Path::new("-");
    let path = args.output.as_deref().filter(|path| *path != standard_output);
    // Before the work: that it cannot be written must not come out at its end.
    let output = path.map(|path| Output::open(path, args.force)).transpose()?;
    let mut merger = Merger::new(args.name.clone());
    let mut first = None;
    let mut number = 0;
    let mut add = |batch: &mut Vec<PathBuf>| {
        for (file, allowlist) in batch.iter().zip(read(batch)) {
            let from = file.display().to_string();
            merger.add(allowlist?, &from).map_err(|source| Error::Merge {
                path: file.clone(),
                first: first.clone().unwrap_or_default(),
                source,
            })?;
            first.get_or_insert_with(|| file.clone());
            number += 1;
        }
        batch.clear();
        Ok::<(), Error>(())
    };
    let mut batch = Vec::new();
    for file in Files::new(args)? {
        for file in within(file?)? {
            batch.push(file);
            if batch.len() == BATCH {
                add(&mut batch)?;
            }
        }
    }
    add(&mut batch)?;
    let result = merger.finish().ok_or(Error::NothingToMerge)?;
    let text = result.allowlist.to_toml();
    match output {
        Some(output) => _ = output.commit(&text)?,
        None => files::write(None, false, &text)?,
    }
    say(&result, number);
    if args.json && path.is_some() {
        files::write(None, false, &json(&report(&result, number)))?;
    }
    Ok(())
}

/// How many files are read at once. They are in memory together.
const BATCH: usize = 64;

/// Reads files, on all processors: reading a text costs far more than merging what it says. In the order of the files.
fn read(files: &[PathBuf]) -> Vec<Result<Allowlist, Error>> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let share = files.len().div_ceil(processors).max(1);
    thread::scope(|scope| {
        let read =
            |files: &[PathBuf]| files.iter().map(|file| files::read_allowlist(file)).collect::<Vec<_>>();
        let readers: Vec<_> = files.chunks(share).map(|files| scope.spawn(move || read(files))).collect();
        readers.into_iter().flat_map(|reader| reader.join().expect("reading a file does not panic")).collect()
    })
}

/// What a person must know, on standard error: standard output may be the result's.
fn say(Merged { allowlist, kept_out }: &Merged, files: usize) {
    complain(&format!(
        "{}: {} of {} in {}",
        allowlist.unit,
        count(allowlist.names().len() as u64, "name"),
        count(allowlist.parts.len() as u64, "recording"),
        count(files as u64, "file"),
    ));
    for out in kept_out {
        let (name, abi) = (&out.name, out.abi.name());
        complain(&format!(
            "{name} ({abi}) stays out: it was seen, and was taken out of [allow] in {}; put it in by hand to allow it",
            out.by
        ));
    }
    for (&gap, number) in &allowlist.observed.gaps {
        complain(&format!("incomplete: {}: {number}", gap.meaning()));
    }
}

fn report(Merged { allowlist, kept_out }: &Merged, files: usize) -> Report<'_> {
    Report {
        unit: &allowlist.unit,
        files,
        recordings: allowlist.parts.len(),
        hosts: allowlist.observed.host.names.len(),
        names: allowlist.names().len(),
        complete: allowlist.observed.complete(),
        kept_out: kept_out
            .iter()
            .map(|out| KeptOut { abi: out.abi.name(), name: &out.name, taken_out_of: &out.by })
            .collect(),
    }
}

/// The names that were given, one after the other.
struct Files<'a> {
    given: std::slice::Iter<'a, PathBuf>,
    list: Option<(PathBuf, Box<dyn BufRead>)>,
}

impl<'a> Files<'a> {
    fn new(args: &'a Args) -> Result<Self, Error> {
        let open = |path: &PathBuf| -> Result<(PathBuf, Box<dyn BufRead>), Error> {
            if path == Path::new("-") {
                return Ok(("standard input".into(), Box::new(io::stdin().lock())));
            }
            let file = fs::File::open(path).map_err(|source| files::unread(path, source))?;
            Ok((path.clone(), Box::new(BufReader::new(file))))
        };
        Ok(Self { given: args.files.iter(), list: args.files_from.as_ref().map(open).transpose()? })
    }
}

impl Iterator for Files<'_> {
    type Item = Result<PathBuf, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(file) = self.given.next() {
            return Some(Ok(file.clone()));
        }
        let (path, list) = self.list.as_mut()?;
        let mut line = Vec::new();
        loop {
            line.clear();
            match list.read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(source) => return Some(Err(Error::Read { path: path.clone(), source })),
            }
            let name = line.strip_suffix(b"\n").unwrap_or(&line);
            if !name.is_empty() {
                return Some(Ok(OsStr::from_bytes(name).into()));
            }
        }
    }
}

/// The file itself, or the .toml files in a folder.
fn within(path: PathBuf) -> Result<Vec<PathBuf>, Error> {
    if !path.is_dir() {
        return Ok(vec![path]);
    }
    let failed = |source| Error::Read { path: path.clone(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(&path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|end| end == "toml") {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(Error::EmptyFolder { path });
    }
    // Of several that are wrong, which one is named must not be chance.
    files.sort();
    Ok(files)
}
