//! How values of a type are read: a bounded table, which Python code fills between walks.
//!
//! An entry holds for one version of its type. CPython gives a type another version when the type or a base is changed, so
//! a changed type is asked again. The stable ABI hides the versions: there the table stays empty, and values are converted.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use pyo3::Borrowed;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyType};
use pyo3::{PyTraverseError, PyVisit};

use super::odd::AddressHasher;
use crate::python::raw::containers::{read_ordered, read_proxies};
use crate::python::raw::instance::Instances;
use crate::python::raw::types::{Slot, Version, address_of_type, version_of, version_of_type};

/// Types in the table; one more empties it. So types that a program makes again and again are not held for ever.
const MAX_TYPES: usize = 256;
/// Members of Enums.
const MAX_MEMBERS: usize = 4096;

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
    /// A member of an Enum, by its address.
    Member,
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
    /// Held for its address.
    kind: Py<PyType>,
}

/// A member of an Enum: its value, for a version of its type.
struct Member {
    version: Version,
    value: Py<PyAny>,
    /// Held for its address.
    member: Py<PyAny>,
}

#[derive(Default)]
pub struct Types {
    known: Table<Known>,
    members: Table<Member>,
}

impl Types {
    /// How a value is read, if its type is known and unchanged.
    #[inline]
    pub fn find(&self, value: Borrowed<'_, '_, PyAny>) -> Option<&Plan> {
        let known = self.known.get(&address_of_type(value))?;
        (version_of_type(value) == Some(known.version)).then_some(&known.plan)
    }

    /// The value of a member of an Enum, whose type was found.
    #[inline]
    pub fn value_of(&self, member: Borrowed<'_, '_, PyAny>) -> Option<&Py<PyAny>> {
        let known = self.members.get(&member.as_ptr().addr())?;
        (version_of_type(member) == Some(known.version)).then_some(&known.value)
    }

    /// Remembers the plan of a type, which was made at this version. What is dropped for it is returned.
    pub fn learn(&mut self, kind: &Bound<'_, PyType>, version: Version, plan: Plan) -> Types {
        let dropped = if self.known.len() >= MAX_TYPES { std::mem::take(self) } else { Types::default() };
        self.known.insert(kind.as_ptr().addr(), Known { version, plan, kind: kind.clone().unbind() });
        dropped
    }

    /// Remembers the value of a member of an Enum. What is dropped for it is returned.
    pub fn learn_member(&mut self, member: &Bound<'_, PyAny>, value: Bound<'_, PyAny>) -> Types {
        let Some(version) = version_of(&member.get_type()) else { return Types::default() };
        let is_full = self.members.len() >= MAX_MEMBERS;
        let members = if is_full { std::mem::take(&mut self.members) } else { Table::default() };
        let learnt = Member { version, value: value.unbind(), member: member.clone().unbind() };
        let before = self.members.insert(member.as_ptr().addr(), learnt);
        let mut dropped = Types { known: Table::default(), members };
        dropped.members.extend(before.map(|before| (0, before)));
        dropped
    }

    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        for Known { plan, kind, .. } in self.known.values() {
            visit.call(kind)?;
            if let Plan::Form(function) = plan {
                visit.call(&**function)?;
            }
        }
        for Member { value, member, .. } in self.members.values() {
            visit.call(value)?;
            visit.call(member)?;
        }
        Ok(())
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
        "member" => Plan::Member,
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
