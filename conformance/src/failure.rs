//! Why a scenario failed.

/// Why a scenario failed, and where.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("step {step} ({what}): {why}")]
pub struct Failure {
    /// The number of the step, from 1.
    pub step: usize,
    /// What the step does.
    pub what: String,
    /// What was expected, and what was found.
    pub why: String,
}

/// A reason, before it is known which step it belongs to.
pub(crate) type Checked<T = ()> = Result<T, String>;
