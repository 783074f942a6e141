//! The one loop that adds the events of an input to a workspace, and says when it stops.

use crate::batch::{Origin, Records};
use crate::python::workspace::Workspace;

/// Why a call of [`Filling::add_all`] stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// A batch is full.
    Batch,
    /// There is enough to report for it to be handed over.
    Findings,
    /// There are no more events.
    Input,
}

/// What the next step of an input came to.
pub enum Step {
    /// An event was added or rejected.
    Event,
    /// The rest of the input must be made available first.
    MoreText,
    /// There are no more events.
    End,
}

/// A workspace that is filled with the events of one input.
pub struct Filling<'a> {
    pub workspace: &'a mut Workspace,
    /// Events read so far, which is the index of the next one.
    pub index: &'a mut usize,
    /// What there is to report of the events.
    pub records: &'a mut Records,
}

impl Filling<'_> {
    /// The origin of the next event, which counts as read from here on.
    #[inline(always)]
    pub fn next_origin(&mut self) -> Origin {
        let origin = Origin { index: *self.index, line: None };
        *self.index += 1;
        origin
    }

    /// Takes steps until a batch is full, there is much to report, or the input ends. None: more text is needed.
    #[inline(always)]
    pub fn add_all<E>(&mut self, mut step: impl FnMut(&mut Self) -> Result<Step, E>) -> Result<Option<Filled>, E> {
        loop {
            match step(self)? {
                Step::Event => {}
                Step::MoreText => return Ok(None),
                Step::End => return Ok(Some(Filled::Input)),
            }
            if self.workspace.batcher.is_full() {
                return Ok(Some(Filled::Batch));
            }
            if self.records.is_full() {
                return Ok(Some(Filled::Findings));
            }
        }
    }
}
