//! How the commands ask the daemon: varlink over a unix socket.
//!
//! [`wire`] is what is said, [`serve`] and [`Client`] are the two ends. Nothing here knows a recording, a
//! unit or a file: the daemon turns its own values into these at the edge, and a command turns them into text.
//!
//! Any local user may connect, so whoever is at the other end is taken for hostile: what one message, one
//! connection and one user can take up is bounded by [`Limits`], and none of them can keep the others out.
//!
//! The protocol is spoken by hand. zlink, the library for it, reads a message of up to 100 MiB, grows its
//! buffer until then, and has no time-outs, so that a user without rights could fill the daemon's memory;
//! varlink itself is a JSON text ended by a NUL.

mod audit;
mod call;
mod client;
mod frame;
#[cfg(test)]
mod fuzz;
mod limits;
mod peer;
mod places;
mod server;
pub mod wire;

#[cfg(test)]
mod tests;

pub use client::{Client, Error};
pub use limits::Limits;
pub use peer::Rights;
pub use server::{Handler, serve};

/// Where the daemon listens.
pub const SOCKET: &str = "/run/syscall-recorder/control.socket";

/// Its members may do all that root may do here.
pub const GROUP: &str = "syscall-recorder";
