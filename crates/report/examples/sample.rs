//! Writes a sample report to a file, for a browser or a validator to look at:
//!
//! ```text
//! cargo run -p report --example sample -- PATH [KIND]
//! ```
//!
//! `KIND` is `realistic` (the default), `small`, `clean`, `empty`, `incomplete`, `hostile`, `large` or `large-N` for N
//! profiles. A path that ends in `.json` gets `report.json`, in `.result.json` the function's result, in `.txt`
//! the mail, and any other the page.

use std::{env, error::Error, fs};

#[path = "../tests/samples/mod.rs"]
mod samples;

const PLACE: &str = "s3://reports-123456789012/sweeps/2026-03-01T06-00-00Z/report.html";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().ok_or("which file is to be written?")?;
    let kind = arguments.next().unwrap_or_else(|| "realistic".to_owned());
    let sample = samples::named(&kind).ok_or_else(|| format!("there is no sample «{kind}»"))?;
    let text = if path.ends_with(".result.json") {
        report::result(&sample, Some(PLACE), report::RESULT_LIMIT)?.get().to_owned()
    } else if path.ends_with(".json") {
        report::to_json(&sample)?
    } else if path.ends_with(".txt") {
        let mail = report::mail(&sample, Some(PLACE)).ok_or("nothing changed, so there is no mail")?;
        format!("Subject: {}\n\n{}", mail.subject, mail.text)
    } else {
        report::html(&sample)
    };
    fs::write(path, text)?;
    Ok(())
}
