//! The daemon's end.

use std::{io, io::Write, sync::Arc, time::Duration};

use tokio::{
    net::{UnixListener, UnixStream},
    select,
    task::JoinSet,
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::{
    audit::Audit,
    call::{self, Asked, Call},
    frame::{Broken, Frames},
    limits::Limits,
    peer::{Peer, Rank, Rights},
    places::{Pace, Place, Places},
    wire::{Refusal, Reply, Request},
};

/// Does what peers ask. Those that may not ask it never come so far.
pub trait Handler: Clone + Send + Sync + 'static {
    /// Called for each request; many may be under way at once.
    fn handle(&self, request: Request) -> impl Future<Output = Result<Reply, Refusal>> + Send;
}

/// What all connections share.
struct Shared<H> {
    handler: H,
    rights: Rights,
    limits: Limits,
    audit: Audit,
    stop: CancellationToken,
}

/// How long to wait when no connection can be accepted: descriptors or memory are short, and trying again
/// at once would only take the processor too.
const BREATH: Duration = Duration::from_millis(100);

/// Serves peers until it is told to stop, and then until the requests that are under way are answered.
/// Dropped before, it ends all connections.
pub async fn serve<H: Handler>(
    listener: UnixListener,
    rights: Rights,
    limits: Limits,
    handler: H,
    stop: CancellationToken,
) {
    let shared = Arc::new(Shared { handler, rights, limits, audit: Audit::default(), stop });
    let places = Places::new(limits);
    let mut connections = JoinSet::new();
    loop {
        select! {
            () = shared.stop.cancelled() => break,
            Some(ended) = connections.join_next() => tell(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => match admit(&stream, rights, &places) {
                    Ok(Some(place)) => drop(connections.spawn(converse(stream, Arc::clone(&shared), place))),
                    Ok(None) => turn_away(stream),
                    Err(error) => debug!("a peer cannot be identified: {error}"),
                },
                Err(error) => {
                    warn!("no connection can be accepted on the control socket: {error}");
                    sleep(BREATH).await;
                }
            },
        }
    }
    drop(listener);
    while let Some(ended) = connections.join_next().await {
        tell(ended);
    }
}

/// A bug, but not one that should end the recording of everything.
fn tell(ended: Result<(), tokio::task::JoinError>) {
    if let Err(failed) = ended {
        error!("a control connection failed: {failed}");
    }
}

fn admit(stream: &UnixStream, rights: Rights, places: &Arc<Places>) -> io::Result<Option<Place>> {
    let peer = Peer::of(stream)?;
    Ok(places.admit(peer.uid, rights.rank(&peer)))
}

/// Says that there is no place. Nothing was written to this socket yet, so there is room for one line, and
/// if not, the peer finds the connection closed.
fn turn_away(stream: UnixStream) {
    // Through std: tokio does not try to write before the socket was reported writable.
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write_all((call::text(&Refusal::Busy) + "\0").as_bytes());
    }
}

/// One connection, one request after the other.
async fn converse<H: Handler>(stream: UnixStream, shared: Arc<Shared<H>>, place: Place) {
    let mut frames = Frames::new(stream, shared.limits);
    let mut own_pace = Pace::new();
    loop {
        let frame = select! {
            // Between two requests nothing is lost.
            () = shared.stop.cancelled() => return,
            frame = frames.next() => frame,
        };
        let frame = match frame {
            Ok(Some(frame)) => frame,
            Ok(None) => return,
            Err(broken) => return refuse(frames, &shared, broken).await,
        };
        let peer = match Peer::of(frames.stream()) {
            Ok(peer) => peer,
            Err(error) => return debug!("a peer cannot be identified: {error}"),
        };
        let wait = match shared.rights.rank(&peer) {
            Rank::Stranger => place.wait(),
            Rank::Member | Rank::Root => own_pace.wait(tokio::time::Instant::now(), shared.limits.rate),
        };
        // As long as it is dammed up here, it does not stop the daemon from stopping.
        if !wait.is_zero() {
            select! {
                () = shared.stop.cancelled() => return,
                () = sleep(wait) => {}
            }
        }
        let call = match Call::parse(&frame) {
            Ok(call) => call,
            Err(error) => {
                let reason = format!("it is no varlink call: {error}");
                let refusal = Refusal::BadRequest { request: "the message".to_owned(), reason };
                // Where one message ends and the next begins can no longer be relied on.
                let _ = frames.send(&call::text(&refusal)).await;
                return;
            }
        };
        // What was asked is not needed while it is done and answered.
        drop(frame);
        let answer = shared.answer(&peer, call.asked).await;
        if !call.oneway && frames.send(&answer).await.is_err() {
            return;
        }
    }
}

/// The last word on a connection that cannot go on.
async fn refuse<H>(mut frames: Frames<UnixStream>, shared: &Shared<H>, broken: Broken) {
    let reason = match broken {
        Broken::TooLarge => format!("it is larger than {} bytes", shared.limits.frame),
        Broken::TooSlow => format!("it was not complete within {:?}", shared.limits.message),
        Broken::Stream(error) => return debug!("a control connection broke: {error}"),
    };
    let refusal = Refusal::BadRequest { request: "the message".to_owned(), reason };
    let _ = frames.send(&call::text(&refusal)).await;
}

impl<H: Handler> Shared<H> {
    /// The message that answers a call.
    async fn answer(&self, peer: &Peer, asked: Result<Asked, call::Fault>) -> String {
        let request = match asked {
            Ok(Asked::Request(request)) => request,
            Ok(Asked::Service(parameters)) => return call::reply(&parameters),
            Err(fault) => return call::text(&fault),
        };
        let outcome = match self.rights.check(peer, &request) {
            Ok(()) => self.handler.handle(request.clone()).await,
            Err(refusal) => Err(refusal),
        };
        self.audit.note(peer, &request, &outcome);
        match outcome {
            Ok(reply) => call::reply(&reply),
            Err(refusal) => call::text(&refusal),
        }
    }
}
