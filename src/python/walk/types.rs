//! How values of a type are read: a bounded table, which Python code fills between walks.
//!
//! An entry holds for one version of its type. CPython gives a type another version when the type or a base is changed, so
//! a changed type is asked again. The stable ABI hides the versions: there the table stays empty, and values are converted.
//!
//! The table refers to types weakly, and a plan has names and functions of this package alone. So the table keeps no class
//! of the caller alive, and goes from one encoder to the next with its workspace.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use pyo3::Borrowed;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyType, PyWeakrefMethods, PyWeakrefReference};

use super::odd::AddressHasher;
use crate::python::raw::containers::{read_ordered, read_proxies};
use crate::python::raw::instance::Instances;
use crate::python::raw::types::{Slot, Version, address_of_type, version_of, version_of_type};

/// Types in the table; one more empties it. So the entries of types that are no more do not pile up.
const MAX_TYPES: usize = 256;

type Table<T> = HashMap<usize, T, BuildHasherDefault<AddressHasher>>;

/// How values of a type are read.
#[derive(Clone)]
pub enum Plan {
    /// By the base: a str, an int, a float, a list, a tuple or a dict.
    Text,
    Integer,
    Float,
    List,
    Tuple,
    Dict,
    /// The dict of a `MappingProxyType`.
    Proxy,
    /// An `OrderedDict`, if it has the order of its dict.
    Ordered,
    /// The value of an Enum's member, by the attribute of this name.
    Member(Arc<Py<PyString>>),
    /// The members of an object, by its slots.
    Fields(Arc<[(Py<PyString>, Slot)]>),
    /// The members of an object, by the attributes in its `__dict__`.
    Instance(Arc<[Py<PyString>]>),
    /// The members of an object, by its attributes: Python code may run.
    Attributes(Arc<[Py<PyString>]>),
    /// By a function.
    Form(Arc<Py<PyAny>>),
    /// By asking for each value what it is.
    Generic,
}

struct Known {
    version: Version,
    plan: Plan,
    /// Of the type. Once that is no more, another type may have its address.
    reference: Py<PyWeakrefReference>,
}

#[derive(Default)]
pub struct Types {
    known: Table<Known>,
}

impl Types {
    /// How a value is read, if its type is known and unchanged.
    #[inline]
    pub fn find(&self, value: Borrowed<'_, '_, PyAny>) -> Option<&Plan> {
        let known = self.known.get(&address_of_type(value))?;
        let is_unchanged = version_of_type(value) == Some(known.version);
        (is_unchanged && known.reference.bind_borrowed(value.py()).upgrade().is_some()).then_some(&known.plan)
    }

    /// Remembers the plan of a type, which was made at this version. What is dropped for it is returned.
    pub fn learn(&mut self, kind: &Bound<'_, PyType>, version: Version, plan: Plan) -> PyResult<Types> {
        let reference = PyWeakrefReference::new(kind)?.unbind();
        let dropped = if self.known.len() >= MAX_TYPES { std::mem::take(self) } else { Types::default() };
        self.known.insert(kind.as_ptr().addr(), Known { version, plan, reference });
        Ok(dropped)
    }
}

/// Asks Python code how values of a type are read. None for a type without a version.
pub fn plan_of(kind: &Bound<'_, PyType>, instances: Option<Instances>) -> PyResult<Option<(Version, Plan)>> {
    let py = kind.py();
    kind.getattr("__init__").ok(); // a look-up gives a type its version
    let Some(version) = version_of(kind) else { return Ok(None) };
    let plan = py.import("mixpress.plans")?.getattr("plan_of")?.call1((kind,))?;
    let plan = if plan.is_none() { Plan::Generic } else { read_plan(kind, &plan, instances)? };
    Ok((version_of(kind) == Some(version)).then_some((version, plan)))
}

fn read_plan(kind: &Bound<'_, PyType>, plan: &Bound<'_, PyAny>, instances: Option<Instances>) -> PyResult<Plan> {
    let (word, given): (String, Bound<'_, PyAny>) = plan.extract()?;
    Ok(match word.as_str() {
        "text" => Plan::Text,
        "integer" => Plan::Integer,
        "float" => Plan::Float,
        "list" => Plan::List,
        "tuple" => Plan::Tuple,
        "dict" => Plan::Dict,
        "member" => Plan::Member(Arc::new(given.extract()?)),
        "proxy" if read_proxies(kind.py()) => Plan::Proxy,
        "ordered" if read_ordered(kind.py()) => Plan::Ordered,
        "proxy" | "ordered" | "form" => Plan::Form(Arc::new(given.unbind())),
        "instance" if instances.is_some_and(|instances| instances.reads(kind)) => {
            Plan::Instance(given.extract::<Vec<Py<PyString>>>()?.into())
        }
        "instance" | "attributes" => Plan::Attributes(given.extract::<Vec<Py<PyString>>>()?.into()),
        "fields" => {
            let fields = given.cast::<PyList>()?.iter().map(|field| field.extract());
            let fields: Vec<(Py<PyString>, Bound<'_, PyAny>)> = fields.collect::<PyResult<_>>()?;
            let slots = fields.iter().map(|(name, slot)| Some((name.clone_ref(kind.py()), Slot::of(slot, kind)?)));
            match slots.collect::<Option<Vec<_>>>() {
                Some(slots) => Plan::Fields(slots.into()),
                None => Plan::Attributes(fields.into_iter().map(|(name, _)| name).collect()),
            }
        }
        _ => Plan::Generic,
    })
}
