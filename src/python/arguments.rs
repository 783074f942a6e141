//! The keywords of `Encoder` that depend on others.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::given::Given;
use super::words::{IDENTITIES, one_of};
use crate::batch::Format;
use crate::event::FillIns;
use crate::rules::limits::{Endpoint, Identity};

/// `compression`: the documents say that the endpoints of profiles take no gzip, so the default depends on the endpoint.
pub enum Compression {
    Default,
    Given(Option<Given<String>>),
}

impl<'py> FromPyObject<'_, 'py> for Compression {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Compression> {
        Ok(Compression::Given(if given.is_none() { None } else { Some(given.extract()?) }))
    }
}

impl Compression {
    pub fn gzips_for(self, endpoint: Endpoint) -> PyResult<bool> {
        match self {
            Compression::Default => Ok(!endpoint.takes_updates()),
            Compression::Given(None) => Ok(false),
            Compression::Given(Some(word)) => one_of("compression", word, &[("gzip", true)]),
        }
    }
}

/// The keywords about what is filled in where an update has none.
pub struct FilledIn {
    pub group_key: Option<Given<String>>,
    pub ip: Option<Given<bool>>,
    pub ignore_time: Option<Given<bool>>,
}

impl FilledIn {
    pub fn fill_ins(self, endpoint: Endpoint) -> PyResult<FillIns> {
        let needs = [
            ("group_key", self.group_key.is_some(), Endpoint::Groups, "groups"),
            ("ip", self.ip.is_some(), Endpoint::Engage, "engage"),
            ("ignore_time", self.ignore_time.is_some(), Endpoint::Engage, "engage"),
        ];
        if let Some((keyword, _, _, word)) = needs.into_iter().find(|(_, given, of, _)| *given && *of != endpoint) {
            return Err(PyValueError::new_err(format!("{keyword} needs endpoint={word:?}")));
        }
        let group_key = self.group_key.map(|given| given.or_say("group_key", "text")).transpose()?;
        if group_key.as_deref() == Some("") {
            return Err(PyValueError::new_err("group_key is empty; pass the property that groups are identified by"));
        }
        let is_engage = endpoint == Endpoint::Engage;
        let is_true = |name, given: Option<Given<bool>>, default| {
            given.map_or(Ok(default), |given| given.or_say(name, "True or False"))
        };
        let (ip, ignore_time) = (is_true("ip", self.ip, false)?, is_true("ignore_time", self.ignore_time, true)?);
        Ok(FillIns { group_key, no_ip: is_engage && !ip, ignore_time: is_engage && ignore_time })
    }
}

pub fn identity_of(endpoint: Endpoint, identity: Option<Given<String>>) -> PyResult<Identity> {
    match identity {
        None => Ok(Identity::Unknown),
        Some(_) if endpoint.takes_updates() => {
            Err(PyValueError::new_err("identity needs endpoint=\"import\" or \"track\""))
        }
        Some(word) => one_of("identity", word, IDENTITIES),
    }
}

pub fn format_of(format: Given<String>, form_base64: Given<bool>) -> PyResult<Format> {
    let formats = &[("json", Format::Json), ("ndjson", Format::Ndjson), ("form", Format::Form)];
    match (one_of("format", format, formats)?, form_base64.or_say("form_base64", "True or False")?) {
        (Format::Form, true) => Ok(Format::FormBase64),
        (_, true) => Err(PyValueError::new_err("form_base64 needs format=\"form\"")),
        (format, false) => Ok(format),
    }
}
