//! The records of CSV text: where they end, and the fields of some of them.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::csv::{Records, fields, whole};

/// Start, end, line and fields of a record.
type Row<'py> = (usize, usize, usize, Vec<Bound<'py, PyBytes>>);

#[pyfunction]
pub fn csv_end(py: Python<'_>, text: &[u8], delimiter: char) -> PyResult<(usize, usize, usize, Option<usize>)> {
    let delimiter = byte(delimiter)?;
    let whole = py.detach(|| whole(text, delimiter));
    Ok((whole.end, whole.lines, whole.records, whole.open))
}

#[pyfunction]
#[pyo3(signature = (text, delimiter, records=None))]
pub fn csv_rows<'py>(
    py: Python<'py>,
    text: &[u8],
    delimiter: char,
    records: Option<Vec<usize>>,
) -> PyResult<Vec<Row<'py>>> {
    let delimiter = byte(delimiter)?;
    let found: Vec<_> = py.detach(|| match records {
        None => Records::new(text, delimiter).collect(),
        Some(records) => {
            let (mut all, mut next) = (Records::new(text, delimiter), 0);
            let mut nth = |record| {
                let skip = usize::checked_sub(record, next)?;
                next = record + 1;
                all.nth(skip)
            };
            records.into_iter().map_while(&mut nth).collect()
        }
    });
    let row = |record: &crate::csv::Record| {
        let fields = fields(&text[record.start..record.end], delimiter);
        (record.start, record.end, record.line, fields.iter().map(|field| PyBytes::new(py, field)).collect())
    };
    Ok(found.iter().map(row).collect())
}

fn byte(delimiter: char) -> PyResult<u8> {
    let byte = u8::try_from(delimiter).ok().filter(|byte| byte.is_ascii() && !b"\"\r\n".contains(byte));
    byte.ok_or_else(|| PyValueError::new_err(format!("delimiter must be an ASCII character, got {delimiter:?}")))
}
