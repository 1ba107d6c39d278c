//! The resident's journey in a real browser at phone size. Once with scripts off, because that is what a cheap phone on
//! a bad network gets; once with scripts on, to put axe into every page: every rule on, nothing excluded.

mod axe;
mod driver;
mod walk;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fantoccini::{Client as Browser, Locator};

use self::axe::Axe;
use self::driver::{Driver, Scripts};
use super::Tally;
use crate::client::{Ask, Client};
use crate::site::{Site, Start};
use crate::{Checkout, tools};

/// A page that says whether its script ran.
const SCRIPTED: &str = "data:text/html,<title>off</title><script>document.title='on'</script>";
/// Pages that a journey shows at least; fewer means that it took a short cut.
const PAGES_MIN: usize = 14;

/// A browser that hangs must not hang the suite.
const PATIENCE: Duration = Duration::from_mins(3);

/// See the head of this file.
pub fn run(checkout: &Checkout) -> Result<Tally> {
    let chromedriver = tools::debian("chromedriver", "chromium-driver")?;
    let chromium = tools::debian("chromium", "chromium")?;
    let axe = Axe::new(tools::axe(checkout)?);
    let scratch = checkout.scratch("browser")?;
    let data = scratch.join("data");
    let site = Start::new(&checkout.binary(), &data).arg("--rehearsal").up()?;
    let shifting = Shifting {
        internal: Client::new(&site.internal()?),
        operator: std::fs::read_to_string(data.join("operator.token"))?,
    };
    let walked = async {
        let driver = Driver::start(&chromedriver, &chromium, &scratch).await?;
        let first = without_scripts(&driver, &site, scratch.clone(), &shifting).await?;
        let second = with_axe(&driver, &site, scratch, &axe, &shifting).await?;
        println!("  {first} pages without scripts, {second} pages before axe");
        driver.stop()?;
        site.stop()?;
        anyhow::Ok(Tally::passed(first + second + 1))
    };
    super::runtime()?
        .block_on(async { tokio::time::timeout(PATIENCE, walked).await })
        .context("the browser hangs")?
}

async fn without_scripts(driver: &Driver, site: &Site, pictures: PathBuf, shifting: &Shifting) -> Result<usize> {
    let browser = driver.open(Scripts::Off).await?;
    browser.goto(SCRIPTED).await?;
    ensure!(browser.title().await? == "off", "the browser runs scripts");
    let mut seen = Seen {
        browser: browser.clone(),
        axe: None,
        pictures,
        prefix: "plain",
        pages: 0,
    };
    let walked = walk::journey(&site.public(), &mut seen, shifting).await;
    let browser_log = seen.here().await;
    walked.with_context(|| format!("without scripts, at {browser_log}"))?;
    browser.close().await?;
    ensure!(seen.pages >= PAGES_MIN, "only {} pages were seen", seen.pages);
    Ok(seen.pages)
}

async fn with_axe(driver: &Driver, site: &Site, pictures: PathBuf, axe: &Axe, shifting: &Shifting) -> Result<usize> {
    let browser = driver.open(Scripts::On).await?;
    let mut seen = Seen {
        browser: browser.clone(),
        axe: Some(axe),
        pictures,
        prefix: "axe",
        pages: 0,
    };
    let walked = walk::journey(&site.public(), &mut seen, shifting).await;
    let here = seen.here().await;
    walked.with_context(|| format!("with axe, at {here}"))?;
    browser.goto(&site.public()).await?;
    let planted = axe.planted(&browser).await?;
    ensure!(
        planted.iter().any(|fault| fault.contains("image-alt")),
        "axe did not find a planted fault: {planted:?}"
    );
    browser.close().await?;
    Ok(seen.pages)
}

/// What looks at each page of a journey.
struct Seen<'a> {
    browser: Browser,
    axe: Option<&'a Axe>,
    pictures: PathBuf,
    prefix: &'static str,
    pages: usize,
}

impl Seen<'_> {
    /// The page in front of us is this one: it has one `h1`, fits the phone, is pictured, and axe finds nothing.
    async fn page(&mut self, name: &str) -> Result<()> {
        self.pages += 1;
        let picture = self
            .pictures
            .join(format!("{}-{:02}-{name}.png", self.prefix, self.pages));
        std::fs::write(picture, self.browser.screenshot().await?)?;
        let headings = self.browser.find_all(Locator::Css("h1")).await?.len();
        let (url, text) = (self.browser.current_url().await?, self.text().await?);
        ensure!(headings == 1, "{name} ({url}) has {headings} main headings:\n{text}");
        ensure!(
            !text.contains('⟦'),
            "{name} ({url}) shows a text that is missing:\n{text}"
        );
        ensure!(
            text.to_lowercase().contains("demonstration"),
            "{name} ({url}) does not say that this is a demonstration"
        );
        if let Some(axe) = self.axe {
            let faults = axe
                .faults(&self.browser)
                .await
                .with_context(|| format!("axe on {name}"))?;
            ensure!(faults.is_empty(), "axe on {name} ({url}):\n{}", faults.join("\n"));
            let wide = self
                .browser
                .execute(
                    "return document.documentElement.scrollWidth - window.innerWidth",
                    vec![],
                )
                .await?;
            ensure!(
                wide.as_i64().unwrap_or_default() <= 0,
                "{name} ({url}) is {wide} px wider than the phone"
            );
        }
        Ok(())
    }

    async fn text(&self) -> Result<String> {
        Ok(self.browser.find(Locator::Css("body")).await?.text().await?)
    }

    /// Where the browser stands, for a message; a picture of it is kept.
    async fn here(&self) -> String {
        let url = self
            .browser
            .current_url()
            .await
            .map(|url| url.to_string())
            .unwrap_or_default();
        if let Ok(picture) = self.browser.screenshot().await {
            let _ = std::fs::write(self.pictures.join(format!("{}-last.png", self.prefix)), picture);
        }
        format!("{url}\n{}", self.text().await.unwrap_or_default())
    }
}

/// Moves the site's clock, as a rehearsal may.
struct Shifting {
    internal: Client,
    operator: String,
}

impl Shifting {
    async fn forward(&self, seconds: u64) -> Result<()> {
        let body = serde_json::json!({ "shift_s": seconds });
        let ask =
            Ask::post("/rehearsal/clock", &crate::traveller::fresh_key("clock"), &body).bearer(self.operator.trim());
        self.internal.ask(&ask, 200).await?;
        Ok(())
    }
}
