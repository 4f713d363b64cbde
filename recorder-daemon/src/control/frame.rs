//! Frames: texts that end in a NUL, of bounded size and in bounded time.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout, timeout_at},
};
use tokio_util::codec::{AnyDelimiterCodec, AnyDelimiterCodecError, Decoder, Encoder};

use super::limits::Limits;

/// How much is read at once; the buffer can be larger than a frame by so much.
const STEP: usize = 4 << 10;

/// Both directions of one connection.
///
/// It reads by itself instead of leaving that to [`tokio_util::codec::Framed`], which does not tell when the
/// first byte of a frame has come: a peer that sends one byte now and then must not pass for a live one.
pub(super) struct Frames<S> {
    stream: S,
    codec: AnyDelimiterCodec,
    received: BytesMut,
    limits: Limits,
}

/// Why a connection cannot go on.
#[derive(Debug)]
pub(super) enum Broken {
    /// More bytes without an end than a frame may have.
    TooLarge,
    /// A frame that did not end in time, or a peer that does not take its reply.
    TooSlow,
    /// The connection itself.
    Stream(io::Error),
}

impl From<AnyDelimiterCodecError> for Broken {
    fn from(error: AnyDelimiterCodecError) -> Self {
        match error {
            AnyDelimiterCodecError::MaxChunkLengthExceeded => Self::TooLarge,
            AnyDelimiterCodecError::Io(error) => Self::Stream(error),
        }
    }
}

impl<S> Frames<S> {
    pub(super) fn new(stream: S, limits: Limits) -> Self {
        let codec = AnyDelimiterCodec::new_with_max_length(vec![0], vec![0], limits.frame);
        Self { stream, codec, received: BytesMut::new(), limits }
    }

    /// Bytes that are held for what comes.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.received.capacity()
    }

    pub(super) fn stream(&self) -> &S {
        &self.stream
    }
}

impl<S: AsyncRead + Unpin> Frames<S> {
    /// The next frame, or nothing where none will come: the peer is gone, or has been silent for too long.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        let mut deadline = Instant::now() + self.limits.idle;
        let mut begun = false;
        loop {
            if let Some(frame) = self.codec.decode(&mut self.received)? {
                return Ok(Some(frame));
            }
            if !begun && !self.received.is_empty() {
                begun = true;
                deadline = Instant::now() + self.limits.message;
            }
            self.received.reserve(STEP);
            match timeout_at(deadline, self.stream.read_buf(&mut self.received)).await {
                Ok(Ok(0)) => return Ok(None),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(Broken::Stream(error)),
                Err(_) if begun => return Err(Broken::TooSlow),
                Err(_) => return Ok(None),
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> Frames<S> {
    pub(super) async fn send(&mut self, text: &str) -> Result<(), Broken> {
        let mut bytes = BytesMut::new();
        self.codec.encode(text, &mut bytes)?;
        match timeout(self.limits.message, self.stream.write_all(&bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Broken::Stream(error)),
            Err(_) => Err(Broken::TooSlow),
        }
    }
}
