//! Orders under way: a second one of the same kind joins the first instead of being given again.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::answer::Answer;

/// How long a joiner waits. The first takes its calls and ten seconds of reading back; three times that means it hangs.
const JOIN_TIME: Duration = Duration::from_secs(60);
/// Orders that others can join; one beyond them is carried out alone. An operator gives one at a time.
const FLIGHTS_MAX: usize = 256;

#[derive(Debug, Default)]
struct Flight {
    landed: Mutex<Landing>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Landing {
    answer: Option<Answer>,
    joined: usize,
}

impl Flight {
    fn landing(&self) -> MutexGuard<'_, Landing> {
        self.landed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(&self) -> Answer {
        let mut landing = self.landing();
        landing.joined += 1;
        let (landing, _) = self
            .changed
            .wait_timeout_while(landing, JOIN_TIME, |landing| landing.answer.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        let hangs = || Answer::error(500, "kill not confirmed: another kill of this session is still under way");
        landing.answer.clone().unwrap_or_else(hangs)
    }
}

/// The orders that are under way, by what they are about.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<String, Arc<Flight>>>);

/// Takes a flight off the board and wakes who joined it, also when the order ended in a panic.
struct Leader<'a> {
    flights: &'a Flights,
    key: &'a str,
    flight: Arc<Flight>,
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        self.flights.board().remove(self.key);
        let mut landing = self.flight.landing();
        landing.answer.get_or_insert_with(|| Answer::error(500, "Internal error"));
        drop(landing);
        self.flight.changed.notify_all();
    }
}

impl Flights {
    fn board(&self) -> MutexGuard<'_, HashMap<String, Arc<Flight>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs an order, or joins the same one that is under way: `joined` gets what waits for the answer of that one.
    pub(super) fn join_or_run(
        &self,
        key: &str,
        run: impl FnOnce() -> Answer,
        joined: impl FnOnce(&dyn Fn() -> Answer) -> Answer,
    ) -> Answer {
        let mut board = self.board();
        if let Some(flight) = board.get(key) {
            let flight = Arc::clone(flight);
            drop(board);
            return joined(&|| flight.join());
        }
        if board.len() >= FLIGHTS_MAX {
            drop(board);
            return run();
        }
        let flight = Arc::new(Flight::default());
        board.insert(key.to_owned(), Arc::clone(&flight));
        drop(board);
        let leader = Leader { flights: self, key, flight };
        let answer = run();
        leader.flight.landing().answer = Some(answer.clone());
        answer
    }

    /// How many wait for the one under way.
    #[cfg(test)]
    pub(super) fn joined(&self, key: &str) -> usize {
        self.board().get(key).map_or(0, |flight| flight.landing().joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_panics_leaves_nobody_waiting() {
        let flights = Flights::default();
        std::thread::scope(|scope| {
            let leader = scope.spawn(|| {
                flights.join_or_run(
                    "s",
                    || {
                        while flights.joined("s") == 0 {
                            std::thread::yield_now();
                        }
                        panic!("of the test");
                    },
                    |wait| wait(),
                )
            });
            while flights.board().is_empty() && !leader.is_finished() {
                std::thread::yield_now();
            }
            assert_eq!(flights.join_or_run("s", || Answer::error(418, "not run"), |wait| wait()).status, 500);
            assert!(leader.join().is_err());
        });
        assert_eq!(flights.join_or_run("s", || Answer::error(418, "run again"), |wait| wait()).status, 418);
    }
}
