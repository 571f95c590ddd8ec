//! Long work of the server that is no run: verifying everything, an export. It is begun by one request and looked at by others; it is not
//! kept beyond the end of the server, because whoever wants it asks again and loses nothing.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use exhibit_model::ids::ulid_to_text;
use exhibit_model::time::{Clock, IdSource, Timestamp};
use exhibit_store::delivery::Progress;
use exhibit_store::progress::Steps;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::problem::ApiError;

/// Jobs that run at once.
const RUNNING_MAX: usize = 4;

/// Jobs with the same verb that run at once: a check of everything holds a connection for as long as it takes, and there are few.
const ALIKE_MAX: usize = 2;

/// Jobs that are remembered.
const KEPT_MAX: usize = 100;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It is being done.
    Running,
    /// It is done; `result` says what came of it.
    Done,
    /// It could not be done; `problem` says why.
    Failed,
    /// Someone stopped it.
    Cancelled,
}

/// Long work that is no run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Job {
    /// Its id.
    pub job: String,
    /// What is done: `verify`, `replay`, `export` or `clean`.
    pub what: &'static str,
    /// What it is done to, for people.
    pub subject: String,
    /// Where it stands.
    pub state: JobState,
    /// How much is done.
    pub done: u64,
    /// How much there is to do, once that is known.
    pub total: Option<u64>,
    /// What `done` and `total` count.
    pub unit: &'static str,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What came of it; its shape depends on `what`. Not in lists and events, which only say where a job stands.
    pub result: Option<Value>,
    /// Why it failed.
    pub problem: Option<ApiError>,
}

/// What is to be done.
#[derive(Debug)]
pub struct NewJob {
    /// The verb.
    pub what: &'static str,
    /// What it is done to, for people.
    pub subject: String,
    /// What its progress counts.
    pub unit: &'static str,
}

/// How far work is, and the way to stop it.
pub trait Watched: Send + Sync + 'static {
    /// How much is done, and how much there is to do.
    fn stands(&self) -> (u64, Option<u64>);

    /// Asks it to stop soon.
    fn stop(&self);

    /// Whether someone asked.
    fn should_stop(&self) -> bool;
}

impl Watched for Steps {
    fn stands(&self) -> (u64, Option<u64>) {
        (self.done(), self.total())
    }

    fn stop(&self) {
        Steps::stop(self);
    }

    fn should_stop(&self) -> bool {
        Steps::should_stop(self)
    }
}

impl Watched for Progress {
    fn stands(&self) -> (u64, Option<u64>) {
        let done = self.bytes_done();
        (done, self.bytes_total().map(|total| total.max(done)))
    }

    fn stop(&self) {
        Progress::stop(self);
    }

    fn should_stop(&self) -> bool {
        Progress::should_stop(self)
    }
}

/// The jobs of a server. Clones are the same list.
#[derive(Clone)]
pub struct Jobs(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    /// The oldest first.
    desks: Mutex<VecDeque<Desk>>,
}

struct Desk {
    job: Job,
    watched: Arc<dyn Watched>,
}

impl Desk {
    fn now(&self) -> Job {
        let (done, total) = self.watched.stands();
        Job { done, total, ..self.job.clone() }
    }

    fn runs(&self) -> bool {
        self.job.state == JobState::Running
    }
}

impl Jobs {
    /// None yet.
    pub fn new(clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        Self(Arc::new(Inner { clock, ids, desks: Mutex::default() }))
    }

    fn desks(&self) -> MutexGuard<'_, VecDeque<Desk>> {
        self.0.desks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a job. `work` gets its id.
    ///
    /// # Errors
    /// 409 `job-running` when the same is being done, or when too much else is.
    pub fn begin<F>(
        &self,
        new: NewJob,
        watched: Arc<dyn Watched>,
        work: impl FnOnce(String) -> F,
    ) -> Result<Job, ApiError>
    where
        F: Future<Output = Result<Value, ApiError>> + Send + 'static,
    {
        let id = ulid_to_text(self.0.ids.next_ulid());
        let NewJob { what, subject, unit } = new;
        let job = Job {
            job: id.clone(),
            what,
            subject,
            state: JobState::Running,
            done: 0,
            total: None,
            unit,
            started: self.0.clock.now(),
            ended: None,
            result: None,
            problem: None,
        };
        {
            let mut desks = self.desks();
            let same = |desk: &&Desk| desk.runs() && desk.job.what == what && desk.job.subject == job.subject;
            if let Some(other) = desks.iter().find(same) {
                let reason = format!("job {} does the same", other.job.job);
                return Err(ApiError::conflict("job-running", reason).hint("wait for it, or cancel it"));
            }
            let running = || desks.iter().filter(|desk| desk.runs());
            let alike = running().filter(|desk| desk.job.what == what).count();
            if running().count() >= RUNNING_MAX || alike >= ALIKE_MAX {
                let reason = format!("{} jobs are running, {alike} of them {what}", running().count());
                return Err(ApiError::conflict("job-running", reason).hint("wait for one of them, or cancel it"));
            }
            if desks.len() >= KEPT_MAX
                && let Some(oldest) = desks.iter().position(|desk| !desk.runs())
            {
                desks.remove(oldest);
            }
            desks.push_back(Desk { job: job.clone(), watched });
        }
        let (jobs, work) = (self.clone(), tokio::spawn(work(id.clone())));
        tokio::spawn(async move {
            let outcome = work.await.unwrap_or_else(|error| Err(ApiError::internal(error)));
            jobs.end(&id, outcome);
        });
        Ok(job)
    }

    fn end(&self, id: &str, outcome: Result<Value, ApiError>) {
        let mut desks = self.desks();
        let Some(desk) = desks.iter_mut().find(|desk| desk.job.job == id) else { return };
        desk.job.ended = Some(self.0.clock.now());
        (desk.job.state, desk.job.result, desk.job.problem) = match outcome {
            Ok(result) => (JobState::Done, Some(result), None),
            Err(_) if desk.watched.should_stop() => (JobState::Cancelled, None, None),
            Err(problem) => (JobState::Failed, None, Some(problem)),
        };
    }

    /// Every job that is remembered, the newest first, without what came of it.
    pub fn list(&self) -> Vec<Job> {
        self.desks().iter().rev().map(|desk| Job { result: None, ..desk.now() }).collect()
    }

    /// One job.
    ///
    /// # Errors
    /// 404 when there is no such job, or not any more.
    pub fn find(&self, id: &str) -> Result<Job, ApiError> {
        let desks = self.desks();
        let found = desks.iter().find(|desk| desk.job.job == id);
        found.map(Desk::now).ok_or_else(|| ApiError::not_found("not-found", format!("there is no job `{id}`")))
    }

    /// Asks a job to stop; one that has ended stays as it is.
    ///
    /// # Errors
    /// 404 when there is no such job, or not any more.
    pub fn cancel(&self, id: &str) -> Result<Job, ApiError> {
        if let Some(desk) = self.desks().iter().find(|desk| desk.job.job == id && desk.runs()) {
            desk.watched.stop();
        }
        self.find(id)
    }

    /// Asks every job to stop, because the server does.
    pub fn stop(&self) {
        self.desks().iter().for_each(|desk| desk.watched.stop());
    }
}

#[cfg(test)]
mod tests {
    use exhibit_model::time::{CountingIds, FixedClock};
    use serde_json::json;
    use tokio::sync::oneshot;

    use super::*;

    fn jobs() -> Jobs {
        Jobs::new(Arc::new(FixedClock::default()), Arc::new(CountingIds::new(1)))
    }

    fn new(subject: &str) -> NewJob {
        job("verify", subject)
    }

    fn job(what: &'static str, subject: &str) -> NewJob {
        NewJob { what, subject: subject.to_owned(), unit: "records" }
    }

    async fn ended(jobs: &Jobs, id: &str) -> Job {
        loop {
            let job = jobs.find(id).unwrap();
            if job.ended.is_some() {
                return job;
            }
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn work_is_followed_to_its_end_and_not_done_twice_at_once() {
        let jobs = jobs();
        let steps = Arc::new(Steps::default());
        let (go, wait) = oneshot::channel::<()>();
        let begun = jobs.begin(new("all"), Arc::clone(&steps) as _, |_| async move {
            wait.await.unwrap();
            Ok(json!({ "records": 7 }))
        });
        let id = begun.unwrap().job;
        steps.set_total(9);
        steps.set_done(3);
        let now = jobs.find(&id).unwrap();
        assert_eq!((now.state, now.done, now.total), (JobState::Running, 3, Some(9)));
        let again = jobs.begin(new("all"), Arc::new(Steps::default()), |_| async { Ok(Value::Null) });
        assert_eq!(again.unwrap_err().code(), "job-running");
        go.send(()).unwrap();
        let end = ended(&jobs, &id).await;
        assert_eq!((end.state, end.result), (JobState::Done, Some(json!({ "records": 7 }))));
        assert_eq!(jobs.list()[0].result, None, "lists say only where it stands");
        jobs.begin(new("all"), Arc::new(Steps::default()), |_| async { Ok(Value::Null) }).unwrap();
    }

    #[tokio::test]
    async fn what_is_cancelled_what_fails_and_what_panics_is_told_apart() {
        let jobs = jobs();
        let steps = Arc::new(Steps::default());
        let seen = Arc::clone(&steps);
        let work = |_| async move {
            while !seen.should_stop() {
                tokio::task::yield_now().await;
            }
            Err(ApiError::conflict("refused", "stopped"))
        };
        let id = jobs.begin(new("cancelled"), steps, work).unwrap().job;
        jobs.cancel(&id).unwrap();
        let end = ended(&jobs, &id).await;
        assert_eq!((end.state, end.problem.is_none()), (JobState::Cancelled, true));
        let fails = |_| async { Err(ApiError::conflict("refused", "no")) };
        let id = jobs.begin(new("fails"), Arc::new(Steps::default()), fails).unwrap().job;
        assert_eq!(ended(&jobs, &id).await.problem.unwrap().code(), "refused");
        let panics = |_| async { panic!("on purpose") };
        let id = jobs.begin(new("panics"), Arc::new(Steps::default()), panics).unwrap().job;
        assert_eq!(ended(&jobs, &id).await.problem.unwrap().code(), "internal");
        assert_eq!(jobs.find("nothing").unwrap_err().status().as_u16(), 404);
    }

    #[tokio::test]
    async fn there_are_limits_to_what_runs_and_to_what_is_remembered() {
        let jobs = jobs();
        let mut waiting = Vec::new();
        for number in 0..RUNNING_MAX {
            if number == ALIKE_MAX {
                let third = jobs.begin(new("third"), Arc::new(Steps::default()), |_| async { Ok(Value::Null) });
                assert_eq!(third.unwrap_err().code(), "job-running");
            }
            let (go, wait) = oneshot::channel::<()>();
            waiting.push(go);
            let work = |_| async move {
                wait.await.ok();
                Ok(Value::Null)
            };
            let what = if number < ALIKE_MAX { "verify" } else { "export" };
            jobs.begin(job(what, &number.to_string()), Arc::new(Steps::default()), work).unwrap();
        }
        let one_more = jobs.begin(job("clean", "one more"), Arc::new(Steps::default()), |_| async { Ok(Value::Null) });
        assert_eq!(one_more.unwrap_err().code(), "job-running");
        drop(waiting.pop());
        for number in 0..2 * KEPT_MAX {
            let last = jobs.list().iter().find(|job| job.state != JobState::Running).map(|job| job.job.clone());
            let id = loop {
                let work = |_| async { Ok(Value::Null) };
                match jobs.begin(job("clean", &format!("short {number}")), Arc::new(Steps::default()), work) {
                    Ok(job) => break job.job,
                    Err(_) => tokio::task::yield_now().await,
                }
            };
            assert_ne!(last.as_ref(), Some(&id));
            ended(&jobs, &id).await;
        }
        assert_eq!(jobs.list().len(), KEPT_MAX);
        assert_eq!(jobs.list().iter().filter(|job| job.state == JobState::Running).count(), RUNNING_MAX - 1);
    }
}
