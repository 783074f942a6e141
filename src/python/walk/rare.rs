//! What a walk does with values that are not exact dicts, lists and scalars.

use pyo3::Borrowed;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use super::odd::{Known, Repeated};
use super::types::Plan;
use super::{Interrupted, Walk};
use crate::python::raw::arrays::{Array, Objects};
use crate::python::raw::instance::attribute_in_dict;
use crate::python::raw::types::Slot;
use crate::python::raw::{self, VisitElement, containers};
use crate::python::snapshot::{Members, Moment, Number, Unsupported};
use crate::scan::Scanner;
use crate::source::Sink;
use crate::vectors::Vectors;

impl<S: Sink, V: Vectors, const IS_REPEATED: bool> Walk<'_, S, V, IS_REPEATED> {
    /// Pushes a value by what Python code told about it or its type before this walk.
    #[inline(never)]
    pub(super) fn odd_value(&mut self, value: Borrowed<'_, '_, PyAny>) -> Result<(), Interrupted> {
        if IS_REPEATED {
            let odd = &self.memory.odd;
            match odd.find(value) {
                Known::Unknown => {}
                Known::Converted(result) if odd.walk == Repeated::Reading => {
                    return self.converted(result.bind_borrowed(value.py()));
                }
                _ if odd.walk == Repeated::Noting => return Ok(()), // its parts are noted apart
                _ => return Err(Interrupted),
            }
            if odd.walk == Repeated::Snapshot {
                return self.snapshot_value(value);
            }
        }
        match self.memory.types.find(value).cloned() {
            Some(Plan::Text) => value.cast::<PyString>().map_or(Err(Interrupted), |text| {
                self.again().other_text(&text); // a subclass has no compact ASCII
                Ok(())
            }),
            Some(Plan::Float) => value.cast::<PyFloat>().map_or(Err(Interrupted), |float| {
                self.sink.float(float.value());
                Ok(())
            }),
            Some(Plan::Integer) => match value.cast::<PyInt>().ok().and_then(|integer| raw::small_integer(&integer)) {
                Some(integer) => {
                    self.sink.integer(integer);
                    Ok(())
                }
                None => self.unread(value),
            },
            Some(Plan::Dict) => value.cast::<PyDict>().map_or(Err(Interrupted), |dict| self.again().dict(&dict)),
            Some(Plan::List) => value.cast::<PyList>().map_or(Err(Interrupted), |list| self.again().list(&list)),
            Some(Plan::Tuple) => value.cast::<PyTuple>().map_or(Err(Interrupted), |tuple| self.tuple(&tuple)),
            Some(Plan::Proxy) => self.proxy(value),
            Some(Plan::Ordered) => self.ordered(value),
            Some(Plan::Member(name)) => self.member(value, &name),
            Some(Plan::Fields(fields)) => self.fields(value, &fields),
            Some(Plan::Instance(names)) => self.instance(value, &names),
            Some(Plan::Attributes(_) | Plan::Form(_) | Plan::Generic) | None => self.unread(value),
        }
    }

    /// Pushes an array of objects, or a part of it.
    pub(super) fn objects(&mut self, array: Array<'_, Objects<'_, '_>>) -> Result<(), Interrupted> {
        if !self.sink.begin_array() {
            return Ok(());
        }
        match array.lengths().len() {
            // SAFETY: `value` runs no Python code, makes no exception and allocates no container, as for a list's elements.
            1 => unsafe { array.for_each_object(EachObject(self.again())) }?,
            _ => array.parts().into_iter().flatten().try_for_each(|part| self.objects(part))?,
        }
        self.sink.end_array();
        Ok(())
    }

    /// Pushes the value of an Enum's member. One that is a member again could lead to itself, so Python code reads it.
    fn member(&mut self, member: Borrowed<'_, '_, PyAny>, name: &Py<PyString>) -> Result<(), Interrupted> {
        // SAFETY: nothing changes the member during a walk.
        match unsafe { attribute_in_dict(self.memory.instances, member, name) } {
            Some(inner) if !matches!(self.memory.types.find(inner), Some(Plan::Member(_))) => self.inner_value(inner),
            _ => self.unread(member),
        }
    }

    fn proxy(&mut self, proxy: Borrowed<'_, '_, PyAny>) -> Result<(), Interrupted> {
        // SAFETY: the plan is for a proxy, where the check of its layout succeeded.
        let mapping = unsafe { containers::mapping_of(proxy) };
        if mapping.is_exact_instance_of::<PyDict>() { self.inner_value(mapping) } else { self.unread(proxy) }
    }

    fn ordered(&mut self, value: Borrowed<'_, '_, PyAny>) -> Result<(), Interrupted> {
        let Ok(dict) = value.cast::<PyDict>() else { return Err(Interrupted) };
        // SAFETY: the plan is for exactly an `OrderedDict`, where the check of its layout succeeded.
        let is_in_order = unsafe { containers::is_in_order(&dict) };
        if is_in_order { self.again().dict(&dict) } else { self.unread(value) }
    }

    /// Stops at a value that only Python code can read, or notes it.
    #[cold]
    fn unread(&mut self, value: Borrowed<'_, '_, PyAny>) -> Result<(), Interrupted> {
        if !IS_REPEATED || self.memory.odd.walk != Repeated::Noting {
            return Err(Interrupted);
        }
        if matches!(self.memory.odd.find(value), Known::Unknown) {
            self.memory.odd.note(value);
        }
        self.sink.null();
        Ok(())
    }

    /// Pushes the members of an object, which its `__dict__` has.
    fn instance(&mut self, object: Borrowed<'_, '_, PyAny>, names: &[Py<PyString>]) -> Result<(), Interrupted> {
        let Some(instances) = self.memory.instances else { return self.unread(object) };
        if !self.sink.begin_object() {
            return Ok(());
        }
        // SAFETY: the plan is for a type whose objects can be read so. `value` runs no Python code, makes no exception and
        // allocates no container, as for a dict's members.
        let all = unsafe {
            instances.for_each_attribute(object, names, |name, value| {
                if !self.sink.tagged_key(name.as_ptr().addr()) {
                    self.key(name.bind(object.py()));
                }
                self.inner_value(value)
            })
        }?;
        if !all {
            self.unread(object)?; // of a walk that notes, so what was pushed does not matter
        }
        self.sink.end_object();
        Ok(())
    }

    /// Pushes the members of an object, which its slots have.
    fn fields(&mut self, object: Borrowed<'_, '_, PyAny>, fields: &[(Py<PyString>, Slot)]) -> Result<(), Interrupted> {
        // SAFETY: the slots are of the object's type. Nothing changes the object during a walk.
        let read = |slot: &Slot| unsafe { slot.read(object) };
        if fields.iter().any(|(_, slot)| read(slot).is_none()) {
            return self.unread(object);
        }
        if !self.sink.begin_object() {
            return Ok(());
        }
        for (name, slot) in fields {
            if let Some(value) = read(slot) {
                if !self.sink.tagged_key(name.as_ptr().addr()) {
                    self.key(name.bind(object.py()));
                }
                self.inner_value(value)?;
            }
        }
        self.sink.end_object();
        Ok(())
    }

    /// Pushes a value, not inlined: each copy of `value` makes the compiler inline less of what the first walk calls.
    #[inline(never)]
    fn inner_value(&mut self, value: Borrowed<'_, '_, PyAny>) -> Result<(), Interrupted> {
        self.value(value)
    }

    /// Pushes what an odd value was converted to, which is never odd itself: so no conversion can lead to itself.
    pub(super) fn converted(&mut self, result: Borrowed<'_, '_, PyAny>) -> Result<(), Interrupted> {
        let is_plain = result.is_none()
            || result.is_exact_instance_of::<PyString>()
            || result.cast_exact::<PyInt>().is_ok_and(|integer| raw::small_integer(&integer).is_some())
            || result.is_exact_instance_of::<PyFloat>()
            || result.is_exact_instance_of::<PyBool>()
            || result.is_exact_instance_of::<PyDict>()
            || result.is_exact_instance_of::<PyList>()
            || result.is_exact_instance_of::<PyTuple>();
        if is_plain { self.inner_value(result) } else { self.snapshot_value(result) }
    }

    /// Pushes a dict, or the members that it was converted to because a name is not an exact `str`.
    pub(super) fn dict_or_members(&mut self, dict: &Bound<'_, PyDict>) -> Result<(), Interrupted> {
        if let Known::Converted(result) = self.memory.odd.find(dict.as_any().as_borrowed())
            && let Ok(members) = result.bind_borrowed(dict.py()).cast_exact::<Members>()
        {
            return match self.memory.odd.walk {
                Repeated::Noting => Ok(()),
                _ => self.members(members.get().pairs.bind(dict.py())),
            };
        }
        self.again().dict(dict)
    }

    /// Stops at a name that is not an exact `str`, or notes its dict.
    #[cold]
    pub(super) fn odd_name(&mut self, dict: &Bound<'_, PyDict>) -> Result<(), Interrupted> {
        let odd = &mut self.memory.odd;
        if !IS_REPEATED || odd.walk != Repeated::Noting {
            return Err(Interrupted);
        }
        let dict = dict.as_any().as_borrowed();
        if matches!(odd.find(dict), Known::Unknown) {
            odd.note(dict);
        }
        Ok(())
    }

    /// Pushes a value of a class that only conversions and snapshots contain.
    fn snapshot_value(&mut self, value: Borrowed<'_, '_, PyAny>) -> Result<(), Interrupted> {
        let py = value.py();
        if let Ok(moment) = value.cast_exact::<Moment>() {
            self.sink.moment(moment.get().0);
        } else if let Ok(number) = value.cast_exact::<Number>() {
            self.number(number.get().spelling.bind(py));
        } else if let Ok(members) = value.cast_exact::<Members>() {
            self.members(members.get().pairs.bind(py))?;
        } else if let Ok(unsupported) = value.cast_exact::<Unsupported>() {
            self.sink.unsupported(self.memory.decode(unsupported.get().message.bind(py)));
        } else {
            self.sink.unsupported("a value that JSON has no form for");
        }
        Ok(())
    }

    /// Pushes a number by its spelling, which Python code made: no other text may reach the body.
    fn number(&mut self, spelling: &Bound<'_, PyString>) {
        raw::decode(spelling, &mut self.memory.decoded, self.vectors);
        let spelling = self.memory.decoded.as_str();
        if Scanner::new(spelling, 0).number() == Ok(spelling) {
            self.sink.number(spelling);
        } else {
            self.sink.unsupported("a number whose text is not a JSON number");
        }
    }

    fn members(&mut self, pairs: &Bound<'_, PyList>) -> Result<(), Interrupted> {
        if !self.sink.begin_object() {
            return Ok(());
        }
        self.sink.names_may_repeat();
        for pair in pairs.iter() {
            let Ok(pair) = pair.cast_exact::<PyTuple>() else { continue };
            let mut both = pair.iter_borrowed();
            let (Some(name), Some(value)) = (both.next(), both.next()) else { continue };
            if let Ok(name) = name.cast_exact::<PyString>() {
                self.key(&name);
                self.inner_value(value)?;
            } else if let Ok(unsupported) = name.cast_exact::<Unsupported>() {
                self.sink.unsupported_key(self.memory.decode(unsupported.get().message.bind(pair.py())));
            }
        }
        self.sink.end_object();
        Ok(())
    }
}

/// Pushes an object of an array.
struct EachObject<'w, S, V, const IS_REPEATED: bool>(Walk<'w, S, V, IS_REPEATED>);

impl<'py, S: Sink, V: Vectors, const IS_REPEATED: bool> VisitElement<'py> for EachObject<'_, S, V, IS_REPEATED> {
    type Stop = Interrupted;

    #[inline(always)]
    fn visit(&mut self, object: Borrowed<'_, 'py, PyAny>) -> Result<(), Interrupted> {
        self.0.inner_value(object)
    }
}
