//! Who is at the other end, by the kernel's word.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
};

use tokio::net::UnixStream;

use super::{
    GROUP,
    wire::{Refusal, Request},
};

/// Who may change what is recorded, besides root.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rights {
    /// The id of the group [`GROUP`], where there is one.
    pub group: Option<u32>,
}

/// A peer as it was when it connected: rights that it gave up since then it still has here, and those that
/// it gained it has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) uid: u32,
    /// Not set where it is outside of our PID namespace.
    pub(super) pid: Option<i32>,
    gid: u32,
    /// Its supplementary groups.
    groups: Vec<u32>,
}

/// What a peer may do; more comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// May ask.
    Stranger,
    /// May change what is recorded.
    Member,
    /// The same, and always finds a place.
    Root,
}

impl Peer {
    pub(super) fn of(stream: &UnixStream) -> io::Result<Self> {
        let one = stream.peer_cred()?;
        Ok(Self { uid: one.uid(), gid: one.gid(), pid: one.pid(), groups: groups(stream.as_fd())? })
    }
}

impl Rights {
    pub(super) fn rank(self, peer: &Peer) -> Rank {
        let member = |group| peer.gid == group || peer.groups.contains(&group);
        match self.group {
            _ if peer.uid == 0 => Rank::Root,
            Some(group) if member(group) => Rank::Member,
            _ => Rank::Stranger,
        }
    }

    /// Whether the peer may ask this.
    pub(super) fn check(self, peer: &Peer, request: &Request) -> Result<(), Refusal> {
        if !changes(request) || self.rank(peer) > Rank::Stranger {
            return Ok(());
        }
        let reason = match self.group {
            Some(_) => format!(
                "only root and members of the group {GROUP} may start, stop and snapshot; run it with sudo, \
                 or have root add you to the group with `usermod -aG {GROUP} USER`, and log in anew"
            ),
            None => "only root may start, stop and snapshot; run it with sudo".to_owned(),
        };
        Err(Refusal::NotPermitted { reason })
    }
}

/// Whether a request changes anything: what is recorded, or a file.
pub(super) fn changes(request: &Request) -> bool {
    match request {
        Request::Start { .. } | Request::Stop { .. } | Request::Snapshot { .. } => true,
        Request::Status { .. } | Request::Watch { .. } | Request::Metrics {} | Request::Allowlist { .. } => {
            false
        }
    }
}

/// The supplementary groups of whoever connected.
fn groups(socket: BorrowedFd<'_>) -> io::Result<Vec<u32>> {
    let mut groups: Vec<libc::gid_t> = vec![0; 64];
    loop {
        let bytes = size_of_val(groups.as_slice());
        let mut size = libc::socklen_t::try_from(bytes).map_err(io::Error::other)?;
        let (place, fd) = (groups.as_mut_ptr(), socket.as_raw_fd());
        // SAFETY: `place` is the start of `size` bytes that are ours, any bytes are valid group ids, and the
        // kernel writes no more than `size` bytes there, and the new size into `size`.
        let status = unsafe {
            libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_PEERGROUPS, place.cast(), &raw mut size)
        };
        let error = io::Error::last_os_error();
        // Of how many it is, which is also said where they found no room.
        groups.resize(size as usize / size_of::<libc::gid_t>(), 0);
        match error.raw_os_error() {
            _ if status == 0 => return Ok(groups),
            // They cannot change, so the second time there is room.
            Some(libc::ERANGE) => {}
            _ => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(uid: u32, gid: u32, groups: &[u32]) -> Peer {
        Peer { uid, gid, pid: Some(1), groups: groups.to_owned() }
    }

    #[test]
    fn a_member_is_one_by_its_own_group_or_a_supplementary_one() {
        let rights = Rights { group: Some(990) };
        assert_eq!(rights.rank(&peer(0, 0, &[])), Rank::Root);
        assert_eq!(rights.rank(&peer(1000, 990, &[])), Rank::Member);
        assert_eq!(rights.rank(&peer(1000, 1000, &[24, 990])), Rank::Member);
        assert_eq!(rights.rank(&peer(1000, 1000, &[24, 27])), Rank::Stranger);
    }

    /// Group 0 is not what is meant where the group does not exist.
    #[test]
    fn without_a_group_there_is_only_root() {
        assert_eq!(Rights::default().rank(&peer(1000, 0, &[0])), Rank::Stranger);
        let refused = Rights::default().check(&peer(1000, 0, &[0]), &Request::Stop { requests: vec![] });
        assert!(matches!(refused, Err(Refusal::NotPermitted { reason }) if !reason.contains("group")));
    }

    #[test]
    fn reading_is_for_everybody_and_nothing_else_is() {
        let may = |request| Rights { group: Some(990) }.check(&peer(1000, 1000, &[]), &request);
        assert_eq!(may(Request::Status { unit: None }), Ok(()));
        assert_eq!(may(Request::Allowlist { unit: "a".into() }), Ok(()));
        assert!(may(Request::Start { requests: vec![], cgroup: false }).is_err());
        assert!(may(Request::Stop { requests: vec![] }).is_err());
        let refused = may(Request::Snapshot { units: vec![] });
        assert!(matches!(refused, Err(Refusal::NotPermitted { reason }) if reason.contains("usermod -aG")));
    }
}
