//! A server on a socket of its own, with answers that a test chooses.

use std::{
    fs::{self, Permissions},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
};

use recorder_daemon::control::{
    Client, Handler, Limits, Rights, serve,
    wire::{Refusal, Reply, Request},
};
use tokio_util::sync::CancellationToken;

type Answer = Arc<dyn Fn(Request) -> Result<Reply, Refusal> + Send + Sync>;

pub(crate) struct Daemon {
    folder: tempfile::TempDir,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
    asked: Arc<Mutex<Vec<Request>>>,
    log: Log,
}

#[derive(Clone)]
struct Fake {
    answer: Answer,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Handler for Fake {
    async fn handle(&self, request: Request) -> Result<Reply, Refusal> {
        self.asked.lock().unwrap().push(request.clone());
        // Somewhere else, as a daemon's tasks are, so that a slow one holds nobody up.
        let answer = Arc::clone(&self.answer);
        tokio::task::spawn_blocking(move || answer(request)).await.unwrap()
    }
}

/// What the server logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Daemon {
    /// One with the usual limits, where only root has rights.
    pub(crate) fn new(answer: impl Fn(Request) -> Result<Reply, Refusal> + Send + Sync + 'static) -> Self {
        Self::with(Limits::default(), Rights::default(), answer)
    }

    pub(crate) fn with(
        limits: Limits,
        rights: Rights,
        answer: impl Fn(Request) -> Result<Reply, Refusal> + Send + Sync + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let socket = folder.path().join("control.socket");
        let (asked, stop, log) = (Arc::default(), CancellationToken::new(), Log::default());
        let fake = Fake { answer: Arc::new(answer), asked: Arc::clone(&asked) };
        let (listening, ready) = mpsc::channel();
        let (token, written) = (stop.clone(), log.clone());
        let thread = thread::spawn(move || {
            let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(move || written.clone());
            tracing::subscriber::with_default(lines.finish(), || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
                    fs::set_permissions(&socket, Permissions::from_mode(0o666)).unwrap();
                    listening.send(()).unwrap();
                    serve(listener, rights, limits, fake, token).await;
                });
            });
        });
        ready.recv().unwrap();
        Self { folder, stop, thread: Some(thread), asked, log }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder().join("control.socket")
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.socket())
    }

    /// Runs the real binary as a client of this daemon, in its folder.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_syscall-recorder"));
        command.args(words).arg("--socket").arg(self.socket()).arg("--state").arg(self.folder());
        command.current_dir(self.folder()).output().unwrap()
    }

    /// What came through to the handler.
    pub(crate) fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.0.lock().unwrap()).into_owned()
    }

    /// Tells it to stop, without waiting for it.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until it has ended; panics if the server did.
    pub(crate) fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
        // Not twice: the test has failed already.
        if !thread::panicking() {
            self.wait();
        }
    }
}
