//! Who gets in, and how fast each may ask.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{limits::Limits, peer::Rank};

/// The connections that are open.
pub(super) struct Places {
    limits: Limits,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    users: HashMap<u32, User>,
    /// When so many users are known, those that matter no longer are forgotten.
    tidy_at: usize,
}

/// What one user takes up.
struct User {
    connections: usize,
    pace: Pace,
}

/// A place, until it is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    uid: u32,
}

impl Places {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, taken: Mutex::default() })
    }

    /// A place for this user, if there is one.
    pub(super) fn admit(self: &Arc<Self>, uid: u32, rank: Rank) -> Option<Place> {
        let limits = &self.limits;
        let (all, own) = match rank {
            Rank::Root => (limits.connections, limits.connections),
            Rank::Member => (limits.members, limits.user),
            Rank::Stranger => (limits.strangers, limits.user),
        };
        let mut taken = self.taken();
        let connections = taken.users.get(&uid).map_or(0, |user| user.connections);
        if taken.all >= all || connections >= own {
            return None;
        }
        taken.tidy();
        taken.all += 1;
        let user = taken.users.entry(uid).or_insert_with(|| User { connections: 0, pace: Pace::new() });
        user.connections += 1;
        drop(taken);
        Some(Place { places: Arc::clone(self), uid })
    }

    /// No code between lock and unlock can panic, so the figures are right whatever happened.
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// A user is remembered as long as its pace is, so that connecting anew does not help it. With that many
    /// users in a second that it matters, the table is small again a second later.
    fn tidy(&mut self) {
        if self.users.len() >= self.tidy_at {
            let now = Instant::now();
            self.users.retain(|_, user| user.connections > 0 || !user.pace.is_free(now));
            self.tidy_at = 64.max(2 * self.users.len());
        }
    }
}

impl Place {
    /// How long the user must wait before its next request.
    pub(super) fn wait(&self) -> Duration {
        let rate = self.places.limits.rate;
        let mut taken = self.places.taken();
        taken.users.get_mut(&self.uid).map(|user| user.pace.wait(Instant::now(), rate)).unwrap_or_default()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all -= 1;
        if let Some(user) = taken.users.get_mut(&self.uid) {
            user.connections -= 1;
        }
    }
}

/// So many requests in a second, all at once if need be, then evenly.
pub(super) struct Pace {
    /// By when all that was asked would be done at an even pace.
    done: Instant,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { done: Instant::now() }
    }

    /// Takes one request in; gives how long it must wait.
    pub(super) fn wait(&mut self, now: Instant, rate: u32) -> Duration {
        self.done = self.done.max(now) + Duration::from_secs(1) / rate.max(1);
        self.done.saturating_duration_since(now + Duration::from_secs(1))
    }

    fn is_free(&self, now: Instant) -> bool {
        self.done <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Arc<Places> {
        Places::new(Limits {
            connections: 8,
            members: 6,
            strangers: 4,
            user: 2,
            rate: 10,
            ..Limits::default()
        })
    }

    #[test]
    fn one_user_cannot_take_all_places_and_gives_them_back() {
        let places = places();
        let mut taken: Vec<_> = (0..2).map(|_| places.admit(1000, Rank::Stranger).unwrap()).collect();
        assert!(places.admit(1000, Rank::Stranger).is_none());
        assert!(places.admit(1001, Rank::Stranger).is_some());
        taken.pop();
        assert!(places.admit(1000, Rank::Stranger).is_some());
    }

    #[test]
    fn the_last_places_are_for_those_with_rights() {
        let places = places();
        let strangers: Vec<_> = (1000..1010).filter_map(|uid| places.admit(uid, Rank::Stranger)).collect();
        assert_eq!(strangers.len(), 4);
        let members: Vec<_> = (2000..2010).filter_map(|uid| places.admit(uid, Rank::Member)).collect();
        assert_eq!(members.len(), 2);
        let root: Vec<_> = (0..10).filter_map(|_| places.admit(0, Rank::Root)).collect();
        assert_eq!(root.len(), 2);
        drop((strangers, members, root));
        assert_eq!(places.taken().all, 0);
    }

    #[test]
    fn users_that_are_gone_are_forgotten() {
        let places = places();
        for uid in 1..100_000 {
            drop(places.admit(uid, Rank::Stranger));
        }
        assert!(places.taken().users.len() <= 128, "{}", places.taken().users.len());
    }

    #[test]
    fn a_burst_goes_through_and_then_they_come_evenly() {
        let now = Instant::now();
        let mut pace = Pace { done: now };
        let waits: Vec<_> = (0..13).map(|_| pace.wait(now, 10).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 200, 300]);
        // What has been waited for is not waited for again.
        assert_eq!(pace.wait(now + Duration::from_mins(1), 10), Duration::ZERO);
    }

    /// Else a user could ask as fast as it can connect.
    #[test]
    fn connecting_anew_does_not_reset_the_pace() {
        let places = places();
        let wait = || places.admit(1000, Rank::Stranger).unwrap().wait();
        let waits: Vec<_> = (0..20).map(|_| wait()).collect();
        assert_eq!(waits[0], Duration::ZERO);
        assert!(waits[19] > Duration::ZERO);
    }
}
