//! `Encoder`: settings, and the calls that encode, as a Python class.

use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use pyo3::{PyTraverseError, PyVisit};

use super::arguments::{Compression, FilledIn, format_of, identity_of};
use super::batch::Batch;
use super::batch_iterator::{BatchIterator, Receiver};
use super::builder::Builder;
use super::encoded::Encoded;
use super::engine::Engine;
use super::found::Found;
use super::given::Given;
use super::gzip::level_of;
use super::input::Input;
use super::input::fill::{Filled, Filling};
use super::limits::Limits;
use super::words::{ENDPOINTS, IDENTITIES, one_of, word_of};
use super::workspace::Workspace;
use crate::batch::{Format, Records};
use crate::encoder::Settings;
use crate::rules::limits::{self, Endpoint};
use crate::truncate::LongTexts;

#[pyclass(frozen, module = "mixpress")]
pub struct Encoder {
    engine: Py<Engine>,
}

impl Encoder {
    fn settings(&self) -> &Settings {
        &self.engine.get().settings
    }

    fn encode_input(&self, py: Python<'_>, input: PyResult<Input>) -> PyResult<Encoded> {
        let engine = self.engine.get();
        let mut workspace = engine.workspace(py);
        let encoded = encode_all(py, engine, &mut workspace, input?);
        engine.give_back(py, workspace);
        encoded
    }
}

fn encode_all(py: Python<'_>, engine: &Engine, workspace: &mut Workspace, mut input: Input) -> PyResult<Encoded> {
    let batches = PyList::empty(py);
    let found = Found::nothing(engine.explain);
    let mut index = 0;
    loop {
        let mut records = Records::default();
        let mut filling = Filling { workspace: &mut *workspace, index: &mut index, records: &mut records };
        let filled = input.fill(py, engine, &mut filling)?;
        py.check_signals()?; // a walk that runs no Python code handles no Ctrl-C
        if records.count() > 0 {
            let all = 0..records.count();
            found.add(py, Arc::new(records), all)?;
        }
        let batch = match filled {
            Filled::Batch => Batch::seal_full(py, engine, workspace),
            Filled::Findings => None,
            Filled::Input => Batch::seal_rest(py, engine, workspace),
        };
        if let Some(batch) = batch {
            batches.append(batch)?;
        }
        if filled == Filled::Input {
            return Ok(Encoded { batches: batches.unbind(), found });
        }
    }
}

fn check_callable(py: Python<'_>, given: Option<&Py<PyAny>>, message: &'static str) -> PyResult<()> {
    match given {
        Some(given) if !given.bind(py).is_callable() => {
            let given = given.bind(py).repr()?;
            Err(PyTypeError::new_err(format!("{message}, got {given}")))
        }
        _ => Ok(()),
    }
}

/// The token without white space around it: a newline from the file that it was read from would name another project.
fn token_of(token: Given<String>) -> PyResult<String> {
    let token = token.or_say_type("token", "text")?;
    let token = token.trim();
    if token.is_empty() {
        return Err(PyValueError::new_err("token is empty; pass a project's token or None"));
    }
    if token.contains(|character: char| character.is_whitespace() || character.is_control()) {
        return Err(PyValueError::new_err("token contains white space or a control character; pass the token alone"));
    }
    Ok(token.to_owned())
}

/// The fields from which an id is derived.
fn id_fields_of(argument: &str, fields: Given<Vec<String>>, derives_ids: bool) -> PyResult<Vec<String>> {
    let fields = fields.or_say(argument, "a list of names of properties, or \"event\"")?;
    let wrong = if fields.is_empty() {
        "is empty: every event would get the same id; name at least one field"
    } else if !derives_ids {
        "needs insert_id=\"derive\""
    } else {
        return Ok(fields);
    };
    Err(PyValueError::new_err(format!("{argument} {wrong}")))
}

fn check_settings(settings: &Settings) -> PyResult<()> {
    let wrong = match (settings.endpoint, settings.format) {
        (Endpoint::Track | Endpoint::Engage | Endpoint::Groups, Format::Ndjson) => {
            "format=\"ndjson\" needs endpoint=\"import\"".to_owned()
        }
        (Endpoint::Import, Format::Form | Format::FormBase64) => {
            "format=\"form\" needs endpoint=\"track\", \"engage\" or \"groups\"".to_owned()
        }
        (endpoint, _) if endpoint.takes_updates() && settings.derives_ids => {
            "insert_id=\"derive\" needs endpoint=\"import\" or \"track\": an update of a profile has no $insert_id"
                .to_owned()
        }
        _ if settings.level.is_some() && !settings.gzip => {
            "level needs compression=\"gzip\", got compression=None".to_owned()
        }
        _ => return Ok(()),
    };
    Err(PyValueError::new_err(wrong))
}

#[pymethods]
impl Encoder {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.engine)
    }

    #[new]
    #[pyo3(signature = (endpoint=Given::from("import"), *, format=Given::from("json"),
        compression=Compression::Default, level=None, token=None, insert_id=Given::from("require"),
        insert_id_from=None, limits=None, now=None, explain=Given::from(false), default=None, form_base64=Given::from(false),
        on_long_url=Given::from("cut"), on_long_json=Given::from("cut"), on_long_text=Given::from("cut"),
        group_key=None, ip=None, ignore_time=None, identity=None),
        text_signature = "(endpoint='import', *, format='json', compression=..., level=None, token=None, \
        insert_id='require', insert_id_from=None, limits=None, now=None, explain=False, default=None, \
        form_base64=False, on_long_url='cut', on_long_json='cut', on_long_text='cut', group_key=None, ip=None, \
        ignore_time=None, identity=None)")]
    #[allow(clippy::too_many_arguments)] // Python's keywords
    fn new(
        py: Python<'_>,
        endpoint: Given<String>,
        format: Given<String>,
        compression: Compression,
        level: Option<Given<i64>>,
        token: Option<Given<String>>,
        insert_id: Given<String>,
        insert_id_from: Option<Given<Vec<String>>>,
        limits: Option<Given<Py<Limits>>>,
        now: Option<Py<PyAny>>,
        explain: Given<bool>,
        default: Option<Py<PyAny>>,
        form_base64: Given<bool>,
        on_long_url: Given<String>,
        on_long_json: Given<String>,
        on_long_text: Given<String>,
        group_key: Option<Given<String>>,
        ip: Option<Given<bool>>,
        ignore_time: Option<Given<bool>>,
        identity: Option<Given<String>>,
    ) -> PyResult<Encoder> {
        let long_texts = LongTexts {
            parse_urls: one_of("on_long_url", on_long_url, &[("cut", false), ("parse", true)])?,
            flatten_json: one_of("on_long_json", on_long_json, &[("cut", false), ("flatten", true)])?,
            drop_text: one_of("on_long_text", on_long_text, &[("cut", false), ("drop", true)])?,
        };
        let endpoint = one_of("endpoint", endpoint, ENDPOINTS)?;
        let derives_ids = one_of("insert_id", insert_id, &[("require", false), ("derive", true)])?;
        let id_fields = insert_id_from.map(|fields| id_fields_of("insert_id_from", fields, derives_ids)).transpose()?;
        let format = format_of(format, form_base64)?;
        let gzip = compression.gzips_for(endpoint)?;
        let level = level.map(level_of).transpose()?;
        let token = token.map(token_of).transpose()?;
        let explain = explain.or_say("explain", "True or False")?;
        let limits = limits.map(|limits| limits.or_say("limits", "a Limits")).transpose()?;
        let limits = limits.map_or_else(limits::Limits::documented, |limits| limits.get().0.clone());
        check_callable(py, now.as_ref(), "now must be a function that returns seconds since the epoch")?;
        check_callable(py, default.as_ref(), "default must be a function that converts a value")?;
        let fill_ins = FilledIn { group_key, ip, ignore_time }.fill_ins(endpoint)?;
        let identity = identity_of(endpoint, identity)?;
        let settings = Settings {
            endpoint,
            format,
            gzip,
            level,
            token,
            fill_ins,
            identity,
            derives_ids,
            id_fields,
            long_texts,
            limits,
        };
        check_settings(&settings)?;
        Ok(Encoder { engine: Py::new(py, Engine::new(settings, now, default, explain))? })
    }

    fn encode(&self, events: &Bound<'_, PyAny>) -> PyResult<Encoded> {
        self.encode_input(events.py(), Input::objects(events))
    }

    fn encode_json(&self, data: &Bound<'_, PyAny>) -> PyResult<Encoded> {
        self.encode_input(data.py(), Input::json(data))
    }

    #[pyo3(signature = (source, *, event=None, columns=None))]
    fn encode_arrow(
        &self,
        source: &Bound<'_, PyAny>,
        event: Option<&Bound<'_, PyAny>>,
        columns: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Encoded> {
        self.encode_input(source.py(), Input::arrow(source, event, columns, self.settings().endpoint))
    }

    #[pyo3(signature = (source, *, event=None, columns=None, on_rejected=None, on_rejections=None))]
    fn iter_batches(
        &self,
        source: &Bound<'_, PyAny>,
        event: Option<&Bound<'_, PyAny>>,
        columns: Option<&Bound<'_, PyAny>>,
        on_rejected: Option<Py<PyAny>>,
        on_rejections: Option<Py<PyAny>>,
    ) -> PyResult<BatchIterator> {
        let receiver = Receiver::of(on_rejected, on_rejections)?;
        let (py, input) = (source.py(), Input::any(source, event, columns, self.settings().endpoint)?);
        Ok(BatchIterator::new(py, self.engine.clone_ref(py), input, receiver))
    }

    fn deriving_ids_from(&self, py: Python<'_>, fields: Given<Vec<String>>) -> PyResult<Encoder> {
        let mut settings = self.settings().clone();
        settings.derives_ids = true;
        settings.id_fields = Some(id_fields_of("fields", fields, true)?);
        check_settings(&settings)?;
        Ok(Encoder { engine: Py::new(py, self.engine.get().with_settings(py, settings))? })
    }

    fn builder(&self, py: Python<'_>) -> Builder {
        Builder::new(py, self.engine.clone_ref(py))
    }

    #[getter]
    fn endpoint(&self) -> &'static str {
        word_of(self.settings().endpoint, ENDPOINTS)
    }

    #[getter]
    fn format(&self) -> &'static str {
        match self.settings().format {
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Form | Format::FormBase64 => "form",
        }
    }

    #[getter]
    fn form_base64(&self) -> bool {
        matches!(self.settings().format, Format::FormBase64)
    }

    #[getter]
    fn compression(&self) -> Option<&'static str> {
        self.settings().gzip.then_some("gzip")
    }

    #[getter]
    fn identity(&self) -> Option<&'static str> {
        let identity = self.settings().identity;
        IDENTITIES.iter().find(|(_, other)| *other == identity).map(|(word, _)| *word)
    }

    #[getter]
    fn group_key(&self) -> Option<&str> {
        self.settings().fill_ins.group_key.as_deref()
    }

    #[getter]
    fn ip(&self) -> Option<bool> {
        let Settings { endpoint, fill_ins, .. } = self.settings();
        (*endpoint == Endpoint::Engage).then_some(!fill_ins.no_ip)
    }

    #[getter]
    fn ignore_time(&self) -> Option<bool> {
        let Settings { endpoint, fill_ins, .. } = self.settings();
        (*endpoint == Endpoint::Engage).then_some(fill_ins.ignore_time)
    }

    #[getter]
    fn level(&self) -> Option<u8> {
        self.settings().level
    }

    #[getter]
    fn limits(&self) -> Limits {
        Limits(self.settings().limits.clone())
    }

    /// The token is a credential: the text says whether there is one, and not which.
    fn __repr__(&self) -> String {
        let quoted = |word: Option<&str>| word.map_or_else(|| "None".to_owned(), |word| format!("{word:?}"));
        let level = self.settings().level.map_or_else(|| "None".to_owned(), |level| level.to_string());
        let token = if self.settings().token.is_some() { "'...'" } else { "None" };
        format!(
            "Encoder(endpoint={:?}, format={:?}, compression={}, level={level}, token={token})",
            self.endpoint(),
            self.format(),
            quoted(self.compression()),
        )
    }
}

/// Encode by an encoder made for this call. `Encoder` checks the keywords.
#[pyfunction]
#[pyo3(signature = (events, **settings),
    text_signature = "(events, *, endpoint='import', format='json', compression=..., level=None, token=None, \
    insert_id='require', insert_id_from=None, limits=None, now=None, explain=False, default=None, form_base64=False, \
    on_long_url='cut', on_long_json='cut', on_long_text='cut', group_key=None, ip=None, ignore_time=None, \
    identity=None)")]
pub fn encode(events: &Bound<'_, PyAny>, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Encoded> {
    let encoder = events.py().get_type::<Encoder>().call((), settings)?.cast_into::<Encoder>()?;
    encoder.get().encode(events)
}
