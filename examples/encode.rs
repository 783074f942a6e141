//! Encode NDJSON from standard input: write a file for each gzipped body, and print a line for each rejected event.
//!
//!     cargo run --example encode -- bodies < events.ndjson

use std::io::Result;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;
use std::{env, fs, io};

use mixpress::{Endpoint, Output, Settings};

fn main() -> Result<ExitCode> {
    let Some(folder) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: encode FOLDER < events.ndjson");
        return Ok(ExitCode::from(2));
    };
    fs::create_dir_all(&folder)?;
    let (mut bodies, mut rejected) = (0, 0);
    let total = Settings::new(Endpoint::Import).encode_json(io::stdin().lock(), SystemTime::now(), |output| {
        match output {
            Output::Batch(batch) => {
                bodies += 1;
                fs::write(folder.join(format!("{bodies:04}.json.gz")), &batch.body)?;
            }
            Output::Rejected(found) => {
                rejected += 1;
                let (finding, line) = (&found.findings[0], found.origin.line.unwrap_or_default());
                println!("line {line}: {} {}: {}", finding.rule.id(), finding.field, finding.message);
            }
            Output::Warned(_) | Output::Truncated(_) => {}
        }
        Ok(())
    })?;
    println!("{} of {total} events in {bodies} bodies", total - rejected);
    Ok(ExitCode::from(u8::from(rejected > 0)))
}
