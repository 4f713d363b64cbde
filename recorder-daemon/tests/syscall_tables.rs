//! The syscall tables against two sources that were made without them: the constants of linux-raw-sys, which
//! come from the kernel's headers, and libseccomp, which resolves the names that a profile holds.

use std::{
    collections::BTreeSet,
    ffi::{CStr, CString, c_char, c_int, c_void},
    fs,
    mem::transmute,
    path::PathBuf,
    process::Command,
    ptr::NonNull,
};

use recorder_common::Abi;
use recorder_daemon::{
    allowlist::Allowlist,
    export::{self, Options, Refusal},
    syscalls,
    units::Tables,
};

/// Bit 30, which x32's numbers have everywhere but in our tables.
const X32_BIT: u32 = 1 << 30;

/// What libseccomp says of a name that it does not resolve.
const NO_SUCH_CALL: c_int = -1;

/// The first of the calls that the ARM kernel keeps for itself.
const ARM_PRIVATE: u32 = 0xf_0000;

/// How many names of each ABI a source must confirm: fewer, and it was not read as it should have been.
const ENOUGH: usize = 300;

#[test]
fn numbers_are_those_of_linux_raw_sys() {
    let sources = linux_raw_sys();
    for abi in Abi::ALL {
        let path = sources.join(match abi {
            Abi::X86_64 => "x86_64/general.rs",
            Abi::I386 => "x86/general.rs",
            Abi::X32 => "x32/general.rs",
            Abi::Aarch64 => "aarch64/general.rs",
            Abi::Arm => "arm/general.rs",
            Abi::Riscv64 => "riscv64/general.rs",
            Abi::S390x => "s390x/general.rs",
            Abi::Ppc64le => "powerpc64/general.rs",
        });
        let source = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let constants: Vec<_> = source.lines().filter_map(constant).collect();
        for &(name, number) in &constants {
            // The header's alias for `arm_sync_file_range`. libseccomp does not resolve it on ARM.
            if (abi, name) == (Abi::Arm, "sync_file_range2") {
                continue;
            }
            let number = if abi == Abi::X32 { number & !X32_BIT } else { number };
            assert_eq!(syscalls::number(abi, name), Some(number), "{} {name}", abi.name());
            assert_eq!(syscalls::name(abi, number), Some(name), "{} {number}", abi.name());
        }
        assert!(constants.len() > ENOUGH, "{}: only {} names", abi.name(), constants.len());
    }
}

/// Where cargo keeps the sources of the linux-raw-sys that the lock file names.
fn linux_raw_sys() -> PathBuf {
    // Without the filter cargo wants the packages of every platform, which no build has downloaded.
    let ran = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", "host-tuple"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(ran.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&ran.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("cargo writes JSON");
    let manifest = metadata["packages"]
        .as_array()
        .expect("cargo lists packages")
        .iter()
        .find(|package| package["name"] == "linux-raw-sys")
        .expect("linux-raw-sys is a dev-dependency")["manifest_path"]
        .as_str()
        .expect("a package has a manifest");
    PathBuf::from(manifest).with_file_name("src")
}

/// Name and number out of a line such as `pub const __NR_read: u32 = 0;`.
fn constant(line: &str) -> Option<(&str, u32)> {
    let (name, number) = line.strip_prefix("pub const __NR_")?.split_once(": u32 = ")?;
    // Where the numbers of the two ARM ABIs start, and how long they are: no calls.
    if matches!(name, "SYSCALL_BASE" | "OABI_SYSCALL_BASE" | "SYSCALL_MASK") {
        return None;
    }
    Some((name, number.strip_suffix(';')?.parse().expect("a number")))
}

#[test]
fn names_are_those_of_libseccomp() {
    let libseccomp = Libseccomp::load();
    for abi in Abi::ALL {
        let mut newer = Vec::new();
        for &(number, name) in syscalls::table(abi) {
            let (by_number, by_name) = (libseccomp.name(abi, number), libseccomp.number(abi, name));
            if by_number.is_none() && by_name < 0 {
                newer.push(name);
                continue;
            }
            assert_eq!(by_number.as_deref(), Some(name), "{} {number}", abi.name());
            if !is_multiplexed(abi, by_name) {
                assert_eq!(u32::try_from(by_name), Ok(number), "{} {name}", abi.name());
            }
        }
        let known = syscalls::table(abi).len() - newer.len();
        println!("{}: libseccomp knows {known} names, not {newer:?}", abi.name());
        assert!(known > ENOUGH, "{}: libseccomp knows only {known} names", abi.name());
    }
}

/// A profile for this machine names nothing that its libseccomp does not resolve, and every name that it resolves can
/// be in one: what is refused for the target's sake is what the library itself does not know.
#[test]
fn an_export_refuses_what_libseccomp_does_not_resolve() {
    let libseccomp = Libseccomp::load();
    let version = Tables::find().expect("systemd-analyze is there; Debian's package is systemd").libseccomp;
    let target = syscalls::Target::of(syscalls::SYSTEMD_VERSION, version.as_deref());
    let whole = include_str!("fixtures/nginx.service.toml");
    let list = |names: &BTreeSet<&str>| {
        let entries = names.iter().map(|name| format!("    {name:?},\n")).collect::<Vec<_>>().concat();
        let (head, rest) = whole.split_once("x86_64 = [\n").expect("the fixture allows something");
        let (_, rest) = rest.split_once(']').expect("a list ends");
        let evidence = rest.find("[[evidence]]").expect("the fixture has evidence");
        Allowlist::from_toml(&format!("{head}x86_64 = [\n{entries}]{}", &rest[..evidence]))
            .expect("an allowlist")
    };
    let all: BTreeSet<&str> = syscalls::table(Abi::X86_64).iter().map(|(_, name)| *name).collect();
    let unknown: BTreeSet<_> =
        all.iter().filter(|name| libseccomp.number(Abi::X86_64, name) == NO_SUCH_CALL).copied().collect();
    let options = Options { target: Some(target), siblings: true, ..Options::default() };
    match export::oci(&list(&all), &options) {
        Err(Refusal::Inexpressible { names, .. }) => assert!(names.iter().eq(&unknown)),
        written => assert!(written.is_ok() && unknown.is_empty(), "not refused: {unknown:?}"),
    }
    let known = &all - &unknown;
    let text = export::names(&list(&known), &options).expect("all of it is known");
    assert!(known.iter().all(|name| text.lines().any(|line| line == *name)));
    for name in text.lines() {
        assert_ne!(libseccomp.number(Abi::X86_64, name), NO_SUCH_CALL, "{name}");
    }
}

/// Whether libseccomp's number for a name is one that it made up: on ABIs where a call can be made through
/// `socketcall` or `ipc` as well as by a number of its own, the name stands for both.
fn is_multiplexed(abi: Abi, number: c_int) -> bool {
    let socketcall = -120..=-101;
    let ipc = -224..=-201;
    matches!(abi, Abi::I386 | Abi::S390x | Abi::Ppc64le)
        && (socketcall.contains(&number) || ipc.contains(&number))
}

#[test]
fn no_number_that_libseccomp_names_is_missing() {
    let libseccomp = Libseccomp::load();
    for abi in Abi::ALL {
        // Above the newest that we know, a newer libseccomp may well know more.
        let newest = syscalls::table(abi).iter().map(|entry| entry.0).rfind(|number| *number < ARM_PRIVATE);
        for number in 0..=newest.expect("a table is not empty") {
            if let Some(name) = libseccomp.name(abi, number) {
                assert_eq!(syscalls::name(abi, number), Some(&*name), "{} {number}", abi.name());
            }
        }
    }
}

#[test]
fn every_number_and_name_stands_once() {
    for abi in Abi::ALL {
        let table = syscalls::table(abi);
        assert!(table.is_sorted_by(|a, b| a.0 < b.0), "{}: numbers ascend", abi.name());
        let names: BTreeSet<_> = table.iter().map(|entry| entry.1).collect();
        assert_eq!(names.len(), table.len(), "{}: no name twice", abi.name());
        for &(number, name) in table {
            assert_eq!(syscalls::name(abi, number), Some(name));
            assert_eq!(syscalls::number(abi, name), Some(number));
            assert!(syscalls::is_known(name));
        }
    }
    assert!(!syscalls::is_known("no_such_call"));
}

#[test]
fn the_newest_calls_are_there() {
    for abi in Abi::ALL {
        assert_eq!(syscalls::name(abi, 462), Some("mseal"), "{}", abi.name());
        assert_eq!(syscalls::name(abi, 470), Some("listns"), "{}", abi.name());
        assert_eq!(syscalls::name(abi, 471), Some("rseq_slice_yield"), "{}", abi.name());
    }
    assert_eq!(syscalls::name(Abi::X86_64, 336), Some("uprobe"));
    assert!(!syscalls::KERNEL_VERSION.is_empty());
}

#[test]
fn what_only_one_abi_has_is_there() {
    assert_eq!(syscalls::name(Abi::X32, 512), Some("rt_sigaction"));
    assert_eq!(syscalls::name(Abi::X32, 547), Some("pwritev2"));
    assert_eq!(syscalls::name(Abi::X32, 0), Some("read"));
    assert_eq!(syscalls::name(Abi::X32, X32_BIT), None);
    assert_eq!(syscalls::name(Abi::X86_64, 512), None);

    assert_eq!(syscalls::name(Abi::Arm, 0xf_0001), Some("breakpoint"));
    assert_eq!(syscalls::name(Abi::Arm, 0xf_0002), Some("cacheflush"));
    assert_eq!(syscalls::name(Abi::Arm, 0xf_0005), Some("set_tls"));
    assert_eq!(syscalls::number(Abi::Aarch64, "set_tls"), None);

    // Spelled as libseccomp spells them, which is not how C libraries do.
    assert_eq!(syscalls::number(Abi::Arm, "arm_fadvise64_64"), Some(270));
    assert_eq!(syscalls::number(Abi::Arm, "arm_sync_file_range"), Some(341));
    assert_eq!(syscalls::number(Abi::Aarch64, "newfstatat"), Some(79));

    // No kernel of today implements it, but a program may still try.
    assert_eq!(syscalls::name(Abi::X86_64, 156), Some("_sysctl"));
}

#[test]
fn a_name_is_in_its_most_telling_set() {
    for (name, set) in [
        ("read", Some("@basic-io")),
        ("close", Some("@basic-io")),
        ("openat", Some("@file-system")),
        ("accept4", Some("@network-io")),
        ("epoll_wait", Some("@io-event")),
        ("io_uring_enter", Some("@aio")),
        ("rt_sigaction", Some("@signal")),
        ("setuid", Some("@setuid")),
        ("chown", Some("@chown")),
        ("chroot", Some("@mount")),
        ("init_module", Some("@module")),
        ("_sysctl", Some("@obsolete")),
        ("times", Some("@process")),
        ("seccomp", Some("@sandbox")),
        ("mmap", Some("@default")),
        ("sched_yield", Some("@default")),
        ("bpf", Some("@privileged")),
        ("capset", Some("@privileged")),
        ("ioctl", Some("@system-service")),
        ("cachestat", None),
        ("no_such_call", None),
    ] {
        assert_eq!(syscalls::main_set(name), set, "{name}");
    }
    assert!(syscalls::sets_of("setuid").eq(["@privileged", "@setuid", "@system-service"]));
}

#[test]
fn sets_hold_names_in_order() {
    assert!(syscalls::sets().map(|(set, _)| set).is_sorted());
    assert!(syscalls::sets().count() > 25);
    for (set, names) in syscalls::sets() {
        assert!(set.starts_with('@'));
        assert!(!names.is_empty(), "{set}");
        assert!(names.is_sorted_by(|a, b| a < b), "{set}");
        assert!(names.iter().all(|name| !name.starts_with('@')), "{set}: a set within a set is resolved");
        assert!(
            names.iter().any(|name| syscalls::main_set(name) == Some(set)),
            "{set}: nothing is left to it"
        );
    }
    assert!(!syscalls::SYSTEMD_VERSION.is_empty());
}

type NameToNumber = unsafe extern "C" fn(u32, *const c_char) -> c_int;
type NumberToName = unsafe extern "C" fn(u32, c_int) -> *mut c_char;

/// The two functions of libseccomp that are wanted here. Loaded, not linked: then building the tests takes no
/// development package.
struct Libseccomp {
    name_to_number: NameToNumber,
    number_to_name: NumberToName,
}

impl Libseccomp {
    fn load() -> Self {
        // SAFETY: the name is a C string, and libseccomp's initialisers ask nothing of who loads it.
        let library = unsafe { libc::dlopen(c"libseccomp.so.2".as_ptr(), libc::RTLD_NOW) };
        let library = NonNull::new(library).expect("libseccomp.so.2 loads; Debian's package is libseccomp2");
        let symbol = |name: &CStr| -> NonNull<c_void> {
            // SAFETY: the handle comes from dlopen and is never closed; the name is a C string.
            let symbol = unsafe { libc::dlsym(library.as_ptr(), name.as_ptr()) };
            NonNull::new(symbol).unwrap_or_else(|| panic!("libseccomp lacks {}", name.to_string_lossy()))
        };
        // SAFETY: these are the functions' types in seccomp.h, and the library stays loaded.
        unsafe {
            Self {
                name_to_number: transmute::<NonNull<c_void>, NameToNumber>(symbol(
                    c"seccomp_syscall_resolve_name_arch",
                )),
                number_to_name: transmute::<NonNull<c_void>, NumberToName>(symbol(
                    c"seccomp_syscall_resolve_num_arch",
                )),
            }
        }
    }

    /// The number without x32's bit; negative if the ABI has no such call, or none with a number of its own.
    fn number(&self, abi: Abi, name: &str) -> c_int {
        let name = CString::new(name).expect("no name has a NUL");
        // SAFETY: the name is a C string and outlives the call.
        let number = unsafe { (self.name_to_number)(token(abi), name.as_ptr()) };
        if abi == Abi::X32 && number > 0 { number & !X32_BIT.cast_signed() } else { number }
    }

    fn name(&self, abi: Abi, number: u32) -> Option<String> {
        let number = if abi == Abi::X32 { number | X32_BIT } else { number };
        // SAFETY: any two numbers will do.
        let name = NonNull::new(unsafe { (self.number_to_name)(token(abi), number.cast_signed()) })?;
        // SAFETY: what is not null is a C string of the caller's own.
        let owned = unsafe { CStr::from_ptr(name.as_ptr()) }.to_str().expect("names are ASCII").to_owned();
        // SAFETY: it came from malloc, and nothing points to it any more.
        unsafe { libc::free(name.as_ptr().cast()) };
        Some(owned)
    }
}

/// `SCMP_ARCH_*` of seccomp.h.
fn token(abi: Abi) -> u32 {
    match abi {
        Abi::X86_64 => 0xc000_003e,
        Abi::I386 => 0x4000_0003,
        Abi::X32 => 0x4000_003e,
        Abi::Aarch64 => 0xc000_00b7,
        Abi::Arm => 0x4000_0028,
        Abi::Riscv64 => 0xc000_00f3,
        Abi::S390x => 0x8000_0016,
        Abi::Ppc64le => 0xc000_0015,
    }
}
