//! What others may take up.

use std::time::Duration;

/// Bounds on what one peer, and all of them together, can make the daemon hold or do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes in one request.
    pub frame: usize,
    /// From the first byte of a request to its last, and for taking a reply.
    pub message: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// Connections at once. The last of them are kept free for those with more rights, so that a user
    /// without any cannot shut them out: see [`Limits::members`] and [`Limits::strangers`].
    pub connections: usize,
    /// As long as fewer connections than this are open, a member of the group finds a place.
    pub members: usize,
    /// As long as fewer connections than this are open, anybody finds a place.
    pub strangers: usize,
    /// Connections of one user other than root.
    pub user: usize,
    /// Requests in a second, which may come all at once; more are delayed. For those with rights it is
    /// counted by connection, for others by user, who could else go round it by connecting anew.
    pub rate: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame: 64 << 10,
            message: Duration::from_secs(10),
            idle: Duration::from_mins(1),
            connections: 64,
            members: 56,
            strangers: 32,
            user: 16,
            rate: 50,
        }
    }
}
