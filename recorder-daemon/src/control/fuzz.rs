use std::{panic::AssertUnwindSafe, time::Duration};

use tokio::io::AsyncReadExt;

use super::{
    call::{self, Asked, Call, text},
    client,
    frame::{Broken, Frames},
    limits::Limits,
};
use crate::fuzz::target;

/// Short, so that a fuzzer comes upon it.
const FRAME: usize = 64;

/// However the bytes are cut into pieces on their way, the frames are those that the NULs part.
#[test]
fn frames() {
    let hour = Duration::from_hours(1);
    let limits = Limits { frame: FRAME, message: hour, idle: hour, ..Limits::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let runtime = AssertUnwindSafe(runtime);
    target!("frames", move |bytes: &[u8]| {
        let Some((&cut, bytes)) = bytes.split_first() else { return };
        let (first, second) = bytes.split_at(usize::from(cut).min(bytes.len()));
        let mut frames = Frames::new(first.chain(second), limits);
        let (whole, rest) = match bytes.iter().rposition(|byte| *byte == 0) {
            Some(end) => (bytes[..end].split(|byte| *byte == 0).collect(), &bytes[end + 1..]),
            None => (Vec::new(), bytes),
        };
        let runtime = &runtime;
        runtime.block_on(async {
            for frame in whole {
                match frames.next().await {
                    Ok(Some(read)) => assert_eq!(read, frame),
                    Err(Broken::TooLarge) => return assert!(frame.len() > FRAME),
                    other => panic!("{other:?}"),
                }
            }
            match frames.next().await {
                Ok(None) => assert!(rest.len() <= FRAME),
                Err(Broken::TooLarge) => assert!(rest.len() > FRAME),
                other => panic!("{other:?}"),
            }
        });
    });
}

/// What is understood can be said again and is understood the same; what answers it is one frame.
#[test]
fn call() {
    target!("call", |bytes: &[u8]| {
        let Ok(call) = Call::parse(bytes) else { return };
        let answer = match call.asked {
            Ok(Asked::Request(request)) => {
                let again = Call::parse(text(&request).as_bytes()).unwrap();
                assert_eq!(again.asked, Ok(Asked::Request(request)));
                return;
            }
            Ok(Asked::Service(parameters)) => call::reply(&parameters),
            Err(fault) => text(&fault),
        };
        assert!(!answer.contains('\0'), "{answer}");
    });
}

/// The commands' side: a daemon that has been replaced by something hostile makes nothing but an error.
#[test]
fn answer() {
    target!("answer", |bytes: &[u8]| match client::understand(bytes) {
        Ok(reply) => {
            let said = call::reply(&reply);
            assert_eq!(client::understand(said.as_bytes()).unwrap(), reply);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    });
}
