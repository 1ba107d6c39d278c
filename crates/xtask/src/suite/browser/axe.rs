//! axe-core in a page: put in through WebDriver, every rule on, nothing excluded.

use anyhow::{Context, Result, ensure};
use fantoccini::Client as Browser;
use serde_json::Value;

/// Runs every rule on the whole document, those too that are off by default but belong to WCAG 2.2 AA.
const RUN: &str = "
    const done = arguments[arguments.length - 1];
    axe.run(document, { resultTypes: ['violations', 'passes'], rules: { 'target-size': { enabled: true } } })
       .then(result => done({
           faults: result.violations.map(v => v.id + ' (' + v.impact + '): ' + v.help + ' — '
               + v.nodes.slice(0, 3).map(n => n.html.slice(0, 200)).join(' | ')),
           passes: result.passes.length }))
       .catch(error => done({ error: String(error) }));";
/// A fault that anyone would agree on.
const PLANT: &str = "
    const picture = document.createElement('img');
    picture.src = 'data:image/gif;base64,R0lGODlhAQABAAAAACw=';
    document.querySelector('main').append(picture);";
/// A page that passes fewer rules than this was not looked at.
const PASSES_MIN: i64 = 10;

/// The checker's script.
pub struct Axe {
    script: String,
}

impl Axe {
    /// From the text of `axe.min.js`.
    pub fn new(script: String) -> Self {
        Self { script }
    }

    /// What is wrong with the page in front of the browser.
    pub async fn faults(&self, browser: &Browser) -> Result<Vec<String>> {
        browser
            .execute(&self.script, Vec::new())
            .await
            .context("putting axe into the page")?;
        let result = browser.execute_async(RUN, Vec::new()).await?;
        ensure!(result["error"].is_null(), "axe fell over: {result}");
        ensure!(
            result["passes"].as_i64() >= Some(PASSES_MIN),
            "axe looked at next to nothing: {result}"
        );
        let faults = result["faults"].as_array().context("axe gave no list of faults")?;
        Ok(faults.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// The same after a fault was planted.
    pub async fn planted(&self, browser: &Browser) -> Result<Vec<String>> {
        browser.execute(PLANT, Vec::new()).await?;
        self.faults(browser).await
    }
}
