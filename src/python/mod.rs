//! The binding to Python: the only folder that uses pyo3. It has no rules of events.

mod arguments;
mod batch;
mod batch_iterator;
mod builder;
mod callback;
mod compressors;
mod convert;
mod csv;
mod derive;
mod encoded;
mod encoder;
mod engine;
mod findings;
mod found;
mod given;
mod gzip;
mod input;
mod json_part;
mod limits;
mod lock;
#[cfg_attr(feature = "abi3", path = "native/stable.rs")]
mod native;
mod raw;
mod rejections;
mod rules;
mod snapshot;
mod tallies;
mod walk;
mod words;
mod workspace;

use pyo3::prelude::*;

// A walk borrows from objects that only the interpreter's lock keeps unchanged: a free-threaded interpreter enables it.
#[pymodule(gil_used = true)]
mod _core {
    #[pymodule_export]
    use super::batch::Batch;
    #[pymodule_export]
    use super::batch_iterator::BatchIterator;
    #[pymodule_export]
    use super::builder::Builder;
    #[pymodule_export]
    use super::csv::{csv_end, csv_rows};
    #[pymodule_export]
    use super::derive::derive_insert_id;
    #[pymodule_export]
    use super::encoded::Encoded;
    #[pymodule_export]
    use super::encoder::{Encoder, encode};
    #[pymodule_export]
    use super::findings::{Finding, Rejection, Truncation};
    #[pymodule_export]
    use super::gzip::gzip;
    #[pymodule_export]
    use super::json_part::{JsonCutter, JsonPart};
    #[pymodule_export]
    use super::limits::Limits;
    #[pymodule_export]
    use super::raw::calls::{bracket, forget_brackets, in_bracket};
    #[pymodule_export]
    use super::rejections::Rejections;
    #[pymodule_export]
    use super::rules::{Rule, rules};
    #[pymodule_export]
    use super::snapshot::{Members, Moment, Number, Unsupported};
    #[pymodule_export]
    use super::tallies::Tallies;
    use pyo3::exceptions::PyImportError;
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        if !super::raw::is_main_interpreter() {
            // An encoder keeps types and functions of its interpreter, which another one must not touch.
            return Err(PyImportError::new_err(
                "mixpress can't be used in a subinterpreter: import it in the main one",
            ));
        }
        let py = module.py();
        super::raw::check_lock(py)?;
        // What would otherwise be done at the first event, by Python code.
        super::native::initialise(py)?;
        super::raw::verify_texts(py);
        super::raw::verify_integers(py);
        super::raw::Entries::verify(py);
        super::raw::find_frozen(py);
        super::raw::instance::Instances::verify(py);
        module.add("DISALLOWED_IDS", pyo3::types::PyFrozenSet::new(py, crate::rules::limits::DISALLOWED_IDS)?)?;
        module.add("together", super::raw::calls::together(py)?)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("__debug_build__", cfg!(debug_assertions))
    }
}
