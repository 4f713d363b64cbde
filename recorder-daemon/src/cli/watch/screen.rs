//! At a terminal: a screen that is drawn anew when something has changed.
//!
//! Another thread asks the daemon, so that a daemon that hangs does not keep the keys from working. Whatever ends
//! this, a signal and a panic too, leaves the terminal as it was; SIGKILL alone cannot.

use std::{
    env,
    io::{self, IsTerminal, stdin, stdout},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel},
    },
    thread::{sleep, spawn},
    time::{Duration, Instant, SystemTime},
};

use ratatui::{
    DefaultTerminal,
    crossterm::{
        event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
        execute,
        terminal::{EnterAlternateScreen, enable_raw_mode},
    },
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Signal, getpid, kill_process},
};

use super::{super::error::Error, draw, draw::Style, model::Model, source::Source};
use crate::control::{self, wire::Watched};

/// How soon a key, a signal and an answer are noticed.
const NOTICE: Duration = Duration::from_millis(50);

/// However fast somebody scrolls, the daemon is not asked more often.
const LEAST: Duration = Duration::from_millis(200);

/// The signals that ask for an end.
const ENDS: [Signal; 4] = [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT];

type Answer = Result<Watched, control::Error>;

pub(super) fn run(mut source: Source, interval: Duration) -> Result<ExitCode, Error> {
    // A daemon that is not there, or a unit that it does not record, is said as by any other command.
    let mut model = Model::default();
    model.take(source.ask(Vec::new(), true)?);
    let ended = Arc::new(AtomicUsize::new(0));
    for signal in ENDS {
        let number = signal.as_raw();
        let value = usize::try_from(number).unwrap_or_default();
        signal_hook::flag::register_usize(number, Arc::clone(&ended), value)
            .map_err(|source| Error::Signals { source })?;
    }
    let (show, shown) = channel();
    let (tell, answers) = channel();
    // It ends with this process: the daemon may make it wait.
    spawn(move || ask(source, interval, &shown, &tell));
    // From here on a panic gives the terminal back before it says anything.
    let mut terminal = ratatui::try_init().map_err(failed)?;
    let outcome = watch(&mut terminal, &mut model, &show, &answers, &ended);
    // Where the terminal is gone, there is nothing to give back.
    let _ = ratatui::try_restore();
    let ended = u8::try_from(ended.load(Ordering::Relaxed)).unwrap_or_default();
    match outcome {
        _ if ended > 0 => Ok(ExitCode::from(128 + ended)),
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(source) => Err(failed(source)),
    }
}

fn failed(source: io::Error) -> Error {
    Error::Terminal { source }
}

/// Asks once in each interval, and soon after other units are shown.
fn ask(mut source: Source, interval: Duration, shown: &Receiver<Vec<String>>, tell: &Sender<Answer>) {
    let mut names = Vec::new();
    loop {
        let asked = Instant::now();
        if tell.send(source.ask(names.clone(), true)).is_err() {
            return;
        }
        match shown.recv_timeout(interval.saturating_sub(asked.elapsed())) {
            Ok(others) => {
                sleep(LEAST.saturating_sub(asked.elapsed()));
                names = shown.try_iter().last().unwrap_or(others);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Until somebody has seen enough.
fn watch(
    terminal: &mut DefaultTerminal,
    model: &mut Model,
    show: &Sender<Vec<String>>,
    answers: &Receiver<Answer>,
    ended: &AtomicUsize,
) -> io::Result<()> {
    let style = Style::of_environment();
    let mut shown = Vec::new();
    let mut changed = true;
    while ended.load(Ordering::Relaxed) == 0 {
        if changed {
            let mut rows = 0;
            terminal.draw(|frame| rows = draw::draw(frame, model, style, SystemTime::now()))?;
            let now = model.shown(rows);
            if now != shown {
                shown.clone_from(&now);
                let _ = show.send(now);
            }
            for_tests();
        }
        if !is_there(NOTICE)? {
            // As if it had been said by the signal, which only the terminal's own session gets.
            ended.store(usize::try_from(Signal::HUP.as_raw()).unwrap_or_default(), Ordering::Relaxed);
            return Ok(());
        }
        changed = event::poll(Duration::ZERO)?;
        if changed {
            match event::read()? {
                Event::Key(key) if key.kind == KeyEventKind::Release => {}
                Event::Key(key) if quits(key) => return Ok(()),
                Event::Key(key) if is_control(key, 'z') => suspend(terminal)?,
                Event::Key(key) => press(model, key.code, shown.len()),
                _ => {}
            }
        }
        loop {
            match answers.try_recv() {
                Ok(Ok(watched)) => model.take(watched),
                Ok(Err(error)) => model.trouble = Some(error.to_string()),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Err(io::Error::other("nobody asks any more")),
            }
            changed = true;
        }
    }
    Ok(())
}

/// Whether the terminal is still there. Waits so long for a key. What is gone must not be asked for events: crossterm
/// would read its end again and again, and never come back.
fn is_there(time: Duration) -> io::Result<bool> {
    let (input, output) = (stdin(), stdout());
    let mut fds = [PollFd::new(&output, PollFlags::empty()), PollFd::new(&input, PollFlags::IN)];
    // Where keys come from elsewhere, they are looked for after the wait.
    let fds = if input.is_terminal() { &mut fds[..] } else { &mut fds[..1] };
    let time = Timespec::try_from(time).map_err(io::Error::other)?;
    match poll(fds, Some(&time)) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(!fds.iter().any(|fd| fd.revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL)))
}

fn quits(key: KeyEvent) -> bool {
    matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) || is_control(key, 'c')
}

fn is_control(key: KeyEvent, letter: char) -> bool {
    key.code == KeyCode::Char(letter) && key.modifiers.contains(KeyModifiers::CONTROL)
}

fn press(model: &mut Model, key: KeyCode, rows: usize) {
    let page = isize::try_from(rows).unwrap_or(1).max(1);
    let by = match key {
        KeyCode::Up | KeyCode::Char('k') => -1,
        KeyCode::Down | KeyCode::Char('j') => 1,
        KeyCode::PageUp => -page,
        KeyCode::PageDown | KeyCode::Char(' ') => page,
        KeyCode::Home => isize::MIN,
        KeyCode::End => isize::MAX,
        KeyCode::Char('s') => {
            model.newest_first = !model.newest_first;
            model.top = 0;
            return model.sort();
        }
        _ => return,
    };
    model.scroll(by, rows);
}

/// Stops as any other job does, and takes the screen again when it goes on.
fn suspend(terminal: &mut DefaultTerminal) -> io::Result<()> {
    ratatui::try_restore()?;
    kill_process(getpid(), Signal::TSTP)?;
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen)?;
    terminal.clear()
}

/// A panic at the worst moment, so that a test can see what is left of the terminal. No release has it.
fn for_tests() {
    assert!(
        !cfg!(debug_assertions) || env::var_os("SYSCALL_RECORDER_TEST_PANIC").is_none(),
        "a panic was asked for"
    );
}
