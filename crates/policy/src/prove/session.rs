//! Between Cedar's symbolic compiler and the solver: collects a question's text, asks it, and keeps its digest.
//!
//! The compiler writes to an asynchronous writer. Ours is a buffer in memory and the solver is asked synchronously, so
//! every future of the compiler's is ready when it is first polled, and no runtime is needed.

use super::process::Answer;
use super::report::{Answered, Query};
use super::solver::{self, Solver};
use cedar_policy::{Policy, PolicySet, RequestEnv, Schema};
use cedar_policy_symcc::solver::{Decision, DecisionWithModel, Solver as Backend, SolverError};
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicy, CompiledPolicySet, Env, ResetMode, SmtLibScript};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Asks about the policies of one schema, and keeps the digests of what it asked.
pub(super) struct Session<'a> {
    compiler: CedarSymCompiler<Script<'a>>,
    schema: &'a Schema,
}

/// A set of policies as logic, for one request environment.
pub(super) type Compiled = CompiledPolicySet;

impl<'a> Session<'a> {
    pub(super) fn new(solver: &'a Solver, schema: &'a Schema) -> Result<Self, String> {
        let script = Script { solver, text: Vec::new(), queries: Vec::new() };
        // Every question goes to a process of its own, so there is nothing to reset.
        let compiler = CedarSymCompiler::new(script).map_err(|error| error.to_string())?;
        Ok(Self { compiler: compiler.with_reset_mode(ResetMode::Comment), schema })
    }

    /// The questions asked since the last call.
    pub(super) fn queries(&mut self) -> Vec<Query> {
        std::mem::take(&mut self.compiler.solver_mut().queries)
    }

    /// Compiles policies to logic.
    ///
    /// # Errors
    /// Why it cannot be done, as with each function here.
    pub(super) fn compile(&self, policies: Vec<Policy>, slice: &RequestEnv) -> Result<Compiled, String> {
        let set = PolicySet::from_policies(policies).map_err(|error| error.to_string())?;
        CompiledPolicySet::compile(&set, slice, self.schema).map_err(|error| error.to_string())
    }

    /// A request on which the policy errors; none is the proof that there is none.
    pub(super) fn error_of(&mut self, policy: &Policy, slice: &RequestEnv) -> Result<Option<Env>, String> {
        let policy =
            CompiledPolicy::compile(policy, slice, self.schema).map_err(|error| error.to_string())?;
        self.compiler.solver_mut().text.clear();
        found(ready(self.compiler.check_never_errors_with_counterexample_opt(&policy))?)
    }

    /// A request that `these` allow and `those` do not; none is the proof that there is none.
    pub(super) fn only_in(&mut self, these: &Compiled, those: &Compiled) -> Result<Option<Env>, String> {
        self.compiler.solver_mut().text.clear();
        found(ready(self.compiler.check_implies_with_counterexample_opt(these, those))?)
    }

    /// A request that both allow; none is the proof that there is none.
    pub(super) fn in_both(&mut self, these: &Compiled, those: &Compiled) -> Result<Option<Env>, String> {
        self.compiler.solver_mut().text.clear();
        found(ready(self.compiler.check_disjoint_with_counterexample_opt(these, those))?)
    }
}

fn found(result: cedar_policy_symcc::err::Result<Option<Env>>) -> Result<Option<Env>, String> {
    result.map_err(|error| match error {
        cedar_policy_symcc::err::Error::SolverUnknown => "the solver gave up: it answered unknown".to_owned(),
        other => other.to_string(),
    })
}

/// The value of a future that never waits.
fn ready<F: Future>(future: F) -> Result<F::Output, String> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => Err("the compiler waits for something that nothing here gives it".to_owned()),
    }
}

/// The text of the question that is being written.
struct Script<'a> {
    solver: &'a Solver,
    text: Vec<u8>,
    queries: Vec<Query>,
}

impl Script<'_> {
    fn ask(&mut self, model: bool) -> Result<Answer, SolverError> {
        self.text.extend_from_slice(b"(check-sat)\n");
        let text = String::from_utf8(std::mem::take(&mut self.text))
            .map_err(|error| SolverError::Solver(error.to_string()))?;
        let digest = solver::digest(&text);
        let answer = self.solver.ask(&digest, &text, model);
        let answered = match &answer {
            Ok(Answer::Sat(_)) => Answered::Sat,
            Ok(Answer::Unsat) => Answered::Unsat,
            Ok(Answer::Unknown) => Answered::Unknown,
            Err(_) => Answered::Nothing,
        };
        self.queries.push(Query { digest, answered });
        answer.map_err(SolverError::Solver)
    }
}

impl Backend for Script<'_> {
    fn smtlib_input(&mut self) -> &mut (dyn tokio::io::AsyncWrite + Unpin + Send) {
        &mut self.text
    }

    async fn enable_models(&mut self) -> Result<(), SolverError> {
        Ok(self.text.set_option("produce-models", "true").await?)
    }

    async fn check_sat(&mut self) -> Result<Decision, SolverError> {
        Ok(match self.ask(false)? {
            Answer::Sat(_) => Decision::Sat,
            Answer::Unsat => Decision::Unsat,
            Answer::Unknown => Decision::Unknown,
        })
    }

    async fn check_sat_with_model(&mut self) -> Result<DecisionWithModel, SolverError> {
        Ok(match self.ask(true)? {
            Answer::Sat(model) => DecisionWithModel::Sat { model },
            Answer::Unsat => DecisionWithModel::Unsat,
            Answer::Unknown => DecisionWithModel::Unknown,
        })
    }
}
