//! The same again and again, for the soak.

use anyhow::Result;

use super::{one_folder, postgres};
use crate::Checkout;
use crate::suite::Tally;

/// How often the soak does it.
const REPEATED: usize = 10;

/// The same, again and again.
pub fn run(checkout: &Checkout) -> Result<(Tally, String)> {
    let mut tally = Tally::default();
    let mut clean = [0, 0];
    let runs: [fn(&Checkout) -> Result<Tally>; 2] = [one_folder, postgres::run];
    for _ in 0..REPEATED {
        for (run, clean) in runs.iter().zip(&mut clean) {
            match run(checkout) {
                Ok(passed) => {
                    *clean += 1;
                    tally.add(passed);
                }
                Err(error) => {
                    println!("FAILED: {error:#}");
                    tally.failed += 1;
                }
            }
        }
    }
    let [folder, postgres] = clean;
    let said = format!(
        "Two servers and an import on one data folder: {folder} of {REPEATED} runs clean. Three servers on one PostgreSQL, \
         which is killed too: {postgres} of {REPEATED} runs clean.\n"
    );
    Ok((tally, said))
}
