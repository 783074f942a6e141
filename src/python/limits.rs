//! `Limits`: the numbers that events are held to and the actions of rules, as a Python class.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::given::Given;
use crate::rules::limits::{self, TruncateUnit};
use crate::rules::{Action, RULES, Rule};

#[pyclass(frozen, eq, module = "mixpress")]
#[derive(Clone, PartialEq)]
pub struct Limits(pub limits::Limits);

#[pymethods]
impl Limits {
    #[new]
    #[pyo3(signature = (*, max_string=None, truncate_unit=None, max_properties=None, max_keys=None, max_elements=None,
        max_depth=None, max_event_bytes=None, max_insert_id_bytes=None, max_batch_events=None, max_batch_bytes=None,
        max_profile_properties=None, max_value_bytes=None, rules=None))]
    #[allow(clippy::too_many_arguments)] // Python's keywords
    fn new(
        py: Python<'_>,
        max_string: Option<Given<i64>>,
        truncate_unit: Option<Given<String>>,
        max_properties: Option<Given<i64>>,
        max_keys: Option<Given<i64>>,
        max_elements: Option<Given<i64>>,
        max_depth: Option<Given<i64>>,
        max_event_bytes: Option<Given<i64>>,
        max_insert_id_bytes: Option<Given<i64>>,
        max_batch_events: Option<Given<i64>>,
        max_batch_bytes: Option<Given<i64>>,
        max_profile_properties: Option<Given<i64>>,
        max_value_bytes: Option<Given<i64>>,
        rules: Option<Given<Py<PyDict>>>,
    ) -> PyResult<Limits> {
        let mut limits = limits::Limits::documented();
        let numbers = [
            ("max_string", max_string, 1, &mut limits.max_string),
            ("max_properties", max_properties, 1, &mut limits.max_properties),
            ("max_keys", max_keys, 0, &mut limits.max_keys),
            ("max_elements", max_elements, 0, &mut limits.max_elements),
            ("max_depth", max_depth, 0, &mut limits.max_depth),
            ("max_event_bytes", max_event_bytes, 1, &mut limits.max_event_bytes),
            ("max_insert_id_bytes", max_insert_id_bytes, 1, &mut limits.max_insert_id_bytes),
            ("max_batch_events", max_batch_events, 1, &mut limits.max_batch_events),
            ("max_batch_bytes", max_batch_bytes, 1, &mut limits.max_batch_bytes),
            ("max_profile_properties", max_profile_properties, 1, &mut limits.max_profile_properties),
            ("max_value_bytes", max_value_bytes, 0, &mut limits.max_value_bytes),
        ];
        for (name, given, least, limit) in numbers {
            if let Some(given) = given {
                let given = given.or_say(name, &format!("an integer >= {least}"))?;
                if given < least {
                    return Err(PyValueError::new_err(format!("{name} must be an integer >= {least}, got {given}")));
                }
                *limit = usize::try_from(given).unwrap_or(usize::MAX);
            }
        }
        if let Some(unit) = truncate_unit {
            limits.truncate_unit = truncate_unit_of(unit)?;
        }
        if let Some(rules) = rules {
            let rules = rules.or_say("rules", "a dict of rules and their actions")?;
            set_actions(&mut limits, rules.bind(py))?;
        }
        Ok(Limits(limits))
    }

    #[staticmethod]
    fn documented() -> Limits {
        Limits(limits::Limits::documented())
    }

    #[staticmethod]
    fn observed() -> Limits {
        Limits(limits::Limits::observed())
    }

    #[getter]
    fn max_string(&self) -> usize {
        self.0.max_string
    }

    #[getter]
    fn truncate_unit(&self) -> &'static str {
        match self.0.truncate_unit {
            TruncateUnit::Chars => "chars",
            TruncateUnit::Bytes => "bytes",
        }
    }

    #[getter]
    fn max_properties(&self) -> usize {
        self.0.max_properties
    }

    #[getter]
    fn max_keys(&self) -> usize {
        self.0.max_keys
    }

    #[getter]
    fn max_elements(&self) -> usize {
        self.0.max_elements
    }

    #[getter]
    fn max_depth(&self) -> usize {
        self.0.max_depth
    }

    #[getter]
    fn max_event_bytes(&self) -> usize {
        self.0.max_event_bytes
    }

    #[getter]
    fn max_insert_id_bytes(&self) -> usize {
        self.0.max_insert_id_bytes
    }

    #[getter]
    fn max_batch_events(&self) -> usize {
        self.0.max_batch_events
    }

    #[getter]
    fn max_batch_bytes(&self) -> usize {
        self.0.max_batch_bytes
    }

    #[getter]
    fn max_profile_properties(&self) -> usize {
        self.0.max_profile_properties
    }

    #[getter]
    fn max_value_bytes(&self) -> usize {
        self.0.max_value_bytes
    }

    #[getter]
    fn rules<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let rules = PyDict::new(py);
        for (rule, action) in self.0.set_actions() {
            rules.set_item(rule.id(), action.word())?;
        }
        Ok(rules)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let limits = &self.0;
        Ok(format!(
            "Limits(max_string={}, truncate_unit={:?}, max_properties={}, max_keys={}, max_elements={}, max_depth={}, \
             max_event_bytes={}, max_insert_id_bytes={}, max_batch_events={}, max_batch_bytes={}, \
             max_profile_properties={}, max_value_bytes={}, rules={})",
            limits.max_string,
            self.truncate_unit(),
            limits.max_properties,
            limits.max_keys,
            limits.max_elements,
            limits.max_depth,
            limits.max_event_bytes,
            limits.max_insert_id_bytes,
            limits.max_batch_events,
            limits.max_batch_bytes,
            limits.max_profile_properties,
            limits.max_value_bytes,
            self.rules(py)?.repr()?,
        ))
    }
}

fn truncate_unit_of(given: Given<String>) -> PyResult<TruncateUnit> {
    let word = given.or_say("truncate_unit", "\"chars\" or \"bytes\"")?;
    match word.as_str() {
        "chars" => Ok(TruncateUnit::Chars),
        "bytes" => Ok(TruncateUnit::Bytes),
        _ => Err(PyValueError::new_err(format!("truncate_unit must be \"chars\" or \"bytes\", got {word:?}"))),
    }
}

fn set_actions(limits: &mut limits::Limits, rules: &Bound<'_, PyDict>) -> PyResult<()> {
    for (id, action) in rules.iter() {
        let (Ok(id), Ok(action)) = (id.extract::<String>(), action.extract::<String>()) else {
            return Err(PyTypeError::new_err(format!(
                "rules must map ids of rules to actions, both text, got {id}: {action}"
            )));
        };
        let rule = Rule::from_id(&id).ok_or_else(|| {
            let known: Vec<&str> = RULES.iter().map(|info| info.id).collect();
            PyValueError::new_err(format!("there is no rule {id:?}; the rules are {}", known.join(", ")))
        })?;
        let action = Action::from_word(&action).ok_or_else(|| {
            PyValueError::new_err(format!("rule {id:?} must be \"reject\", \"warn\" or \"off\", got {action:?}"))
        })?;
        limits.set_action(rule, action);
    }
    Ok(())
}
