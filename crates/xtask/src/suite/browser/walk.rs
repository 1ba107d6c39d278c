//! The resident's journey, page by page, by what a person sees and can press: find → clinic → time → screening →
//! details → check → confirmed → see → move → cancel; and the pages of what can go wrong on the way.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use fantoccini::elements::Element;
use fantoccini::{Client as Browser, Locator};

use super::{Seen, Shifting};
use crate::client::Client;
use crate::traveller::{self, fresh_key};

/// How many times are tried until one is for an adult: products for children stand between them.
const TIMES_TRIED_MAX: usize = 12;
/// Longest wait for a page.
const NEXT_PAGE_WITHIN: Duration = Duration::from_secs(10);
/// The Enter key, as WebDriver writes it.
const ENTER: &str = "\u{E007}";
/// No slot of the demonstration has more.
const PLACES_MAX: usize = 64;
/// Beyond any hold: half an hour at most, and its grace.
const HOLD_OVER_S: u64 = 2400;

/// Walks all of it.
pub async fn journey(public: &str, seen: &mut Seen<'_>, shifting: &Shifting) -> Result<()> {
    let browser = seen.browser.clone();
    wrong_turns(public, seen, &browser).await?;
    find(public, seen, &browser).await?;
    keep_a_time(seen, &browser, true).await?;
    type_details(seen, &browser).await?;
    let link = confirm(seen, &browser).await?;
    share_it(seen, &browser, &link).await?;
    find_by_code(public, seen, &browser, &link).await?;
    move_it(seen, &browser, &link).await?;
    cancel_it(seen, &browser, &link).await?;
    somebody_was_faster(public, seen, &browser).await?;
    too_slow(public, seen, &browser, shifting).await
}

/// Pages of what can go wrong before anything is chosen.
async fn wrong_turns(public: &str, seen: &mut Seen<'_>, browser: &Browser) -> Result<()> {
    browser.goto(&format!("{public}/no-such-page")).await?;
    seen.page("not-found").await?;
    browser.goto(&format!("{public}/privacy")).await?;
    seen.page("privacy").await?;
    browser.goto(public).await?;
    seen.page("home").await?;
    press(browser, "main form button[type=submit]").await?;
    says_error(seen).await?;
    seen.page("nothing-typed").await
}

async fn find(public: &str, seen: &mut Seen<'_>, browser: &Browser) -> Result<()> {
    browser.goto(public).await?;
    fill(browser, "q", "Worcester").await?;
    press(browser, "main form button[type=submit]").await?;
    seen.page("results-by-town").await?;
    browser.goto(public).await?;
    fill(browser, "q", "01602").await?;
    press(browser, "main form button[type=submit]").await?;
    seen.page("results").await?;
    let text = seen.text().await?;
    ensure!(text.contains("mile"), "the results say no distance:\n{text}");
    press(browser, "main h2 a[href^='/clinics/']").await?;
    seen.page("clinic").await
}

/// From a clinic's times to a time that is saved. Leaves the details before us.
async fn keep_a_time(seen: &mut Seen<'_>, browser: &Browser, shows: bool) -> Result<()> {
    let mut clinic = browser.current_url().await?.to_string();
    // What is left of today may be for children alone.
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let tomorrow = jiff::Timestamp::from_second(now as i64 + 24 * 3600)?.to_string()[..10].to_owned();
    for number in 0..2 * TIMES_TRIED_MAX {
        if number == TIMES_TRIED_MAX / 2 {
            clinic = format!("{clinic}&day={tomorrow}");
            browser.goto(&clinic).await?;
        }
        let times = all(browser, "a.time").await?;
        let Some(time) = times.get(number % (TIMES_TRIED_MAX / 2)) else {
            continue;
        };
        push(browser, time).await?;
        if shows && number == 0 {
            seen.page("screening").await?;
            press(browser, "main form button[type=submit]").await?;
            says_error(seen).await?;
            seen.page("screening-unanswered").await?;
        }
        let ages = all(browser, "input[name=age]").await?;
        choose(ages.last().context("no ages to choose from")?).await?; // the oldest
        for first in all(browser, "fieldset input[type=radio]:first-of-type:not([name=age])").await? {
            choose(&first).await?;
        }
        press(browser, "main form button[type=submit]").await?;
        if browser.current_url().await?.path().starts_with("/hold/") {
            if shows {
                seen.page("details").await?;
            }
            return Ok(());
        }
        seen.page("not-for-you").await?;
        browser.goto(&clinic).await?;
    }
    bail!("none of the first {TIMES_TRIED_MAX} times at {clinic} was for an adult")
}

async fn type_details(seen: &mut Seen<'_>, browser: &Browser) -> Result<()> {
    fill(browser, "family-name", "Okafor").await?;
    press(
        browser,
        "#form button[type=submit], main form[action$='/details'] button.button-primary",
    )
    .await?;
    says_error(seen).await?;
    seen.page("details-to-mend").await?;
    let kept = one(browser, "[name=family-name]").await?.prop("value").await?;
    ensure!(kept.as_deref() == Some("Okafor"), "what was typed is gone: {kept:?}");
    press(browser, "button[formaction*='more-time']").await?;
    seen.page("details-more-time").await?;
    let kept = one(browser, "[name=family-name]").await?.prop("value").await?;
    ensure!(
        kept.as_deref() == Some("Okafor"),
        "more time lost what was typed: {kept:?}"
    );
    fill(browser, "given-name", "Amara").await?;
    for (name, value) in [("birth-month", "5"), ("birth-day", "17"), ("birth-year", "1980")] {
        fill(browser, name, value).await?;
    }
    // Another journey may have booked the same person: a phone of our own makes us somebody else.
    let phone = format!("617555{:04}", std::process::id() % 9000 + seen.pages as u32);
    fill(browser, "phone", &phone).await?;
    fill(browser, "email", &format!("{}{phone}@example.org", seen.prefix)).await?;
    press(browser, "main form[action$='/details'] button.button-primary").await?;
    seen.page("check").await?;
    let text = seen.text().await?;
    ensure!(
        text.contains("Amara") && text.contains("1980"),
        "the answers to check are not there:\n{text}"
    );
    Ok(())
}

/// Books. The personal link.
async fn confirm(seen: &mut Seen<'_>, browser: &Browser) -> Result<String> {
    press(browser, "main form[action$='/book'] button.button-primary").await?;
    let url = browser.current_url().await?;
    ensure!(
        url.path().starts_with("/appointment/"),
        "booking led to {url}:\n{}",
        seen.text().await?
    );
    seen.page("confirmed").await?;
    let text = seen.text().await?;
    let code = |word: &str| word.len() == 12 && word.matches('-').count() == 2;
    ensure!(
        text.split_whitespace().any(code),
        "no code like 7KXM-2QRD-9J is shown:\n{text}"
    );
    ensure!(
        text.contains("•••@example.org"),
        "the address is not shown masked:\n{text}"
    );
    let link = url.as_str().split('?').next().unwrap_or_default().to_owned();
    see_mail(seen, browser, &link).await?;
    browser.goto(&link).await?;
    seen.page("by-link").await?;
    Ok(link)
}

/// What would have gone out, from the confirmation's own link. It comes within the second.
async fn see_mail(seen: &mut Seen<'_>, browser: &Browser, link: &str) -> Result<()> {
    press(browser, "a[href='/demo/mail']").await?;
    let until = Instant::now() + NEXT_PAGE_WITHIN;
    let path = link.splitn(4, '/').nth(3).unwrap_or_default();
    while !seen.text().await?.contains(path) {
        ensure!(Instant::now() < until, "the mail never came:\n{}", seen.text().await?);
        tokio::time::sleep(Duration::from_millis(100)).await;
        browser.refresh().await?;
    }
    seen.page("demo-mail").await?;
    let look = one(browser, "section.mail p a[href^='/demo/mail/']").await?;
    let look = look.prop("href").await?.context("a link without an address")?;
    browser.goto(&look).await?;
    seen.page("demo-mail-look").await
}

/// A link for somebody who helps, made and stopped. Leaves the appointment before us.
async fn share_it(seen: &mut Seen<'_>, browser: &Browser, link: &str) -> Result<()> {
    press(browser, "a[href$='/share']").await?;
    seen.page("share").await?;
    press(browser, "main form[action$='/share'] button").await?;
    seen.page("shared").await?;
    let shared = one(browser, ".personal-link a").await?.attr("href").await?;
    ensure!(
        shared.as_deref().is_some_and(|path| !link.ends_with(path)),
        "the shared link is the own one: {shared:?}"
    );
    press(browser, "main form[action$='/stop'] button").await?;
    ensure!(
        all(browser, ".personal-link a").await?.is_empty(),
        "a stopped link is still shown"
    );
    browser.goto(link).await?;
    Ok(())
}

/// The appointment by its code: the form, a wrong birth date, the page. Leaves the appointment before us.
async fn find_by_code(public: &str, seen: &mut Seen<'_>, browser: &Browser, link: &str) -> Result<()> {
    let text = seen.text().await?;
    let code = text
        .split_whitespace()
        .find(|word| word.len() == 12 && word.matches('-').count() == 2)
        .context("no code on the appointment's page")?
        .to_owned();
    browser.goto(&format!("{public}/my-appointment")).await?;
    seen.page("code").await?;
    for (year, page) in [("1981", "code-wrong"), ("1980", "code-found")] {
        for (name, value) in [
            ("code", code.as_str()),
            ("birth-month", "5"),
            ("birth-day", "17"),
            ("birth-year", year),
        ] {
            fill(browser, name, value).await?;
        }
        press(browser, "main form button.button-primary").await?;
        seen.page(page).await?;
    }
    let path = browser.current_url().await?.path().to_owned();
    ensure!(
        path.starts_with("/my-appointment/apt-") && !path.contains("1980"),
        "the code led to {path}"
    );
    browser.goto(link).await?;
    Ok(())
}

async fn move_it(seen: &mut Seen<'_>, browser: &Browser, link: &str) -> Result<()> {
    let before = seen.text().await?;
    press(browser, "a[href$='/move']").await?;
    seen.page("move").await?;
    // Another day, where there is one: on the booked one there may be no other time, late in the day.
    let days = all(browser, "a.day:not(.day-more):not([aria-current])").await?;
    let day = match days.last() {
        Some(day) => day.prop("href").await?.context("a day without an address")?,
        None => browser.current_url().await?.to_string(),
    };
    for number in 0..TIMES_TRIED_MAX {
        browser.goto(&day).await?;
        let times = all(browser, "form button.time").await?;
        push(browser, times.get(number).context("no other times to move to")?).await?;
        if number == 0 {
            seen.page("move-check").await?;
        }
        press(browser, "main form button.button-primary").await?;
        if !browser.current_url().await?.path().contains("/move/") {
            break;
        }
        seen.page("move-refused").await?; // a time for children
    }
    seen.page("moved").await?;
    browser.goto(link).await?;
    ensure!(seen.text().await? != before, "moving changed nothing");
    Ok(())
}

async fn cancel_it(seen: &mut Seen<'_>, browser: &Browser, link: &str) -> Result<()> {
    press(browser, "a[href$='/cancel']").await?;
    seen.page("cancel").await?;
    press(browser, "main form button.button-stop").await?;
    seen.page("canceled").await?;
    browser.goto(link).await?;
    let text = seen.text().await?.to_lowercase();
    ensure!(
        text.contains("canceled"),
        "the link does not say that it is canceled:\n{text}"
    );
    Ok(())
}

/// A time that went while somebody answered the first questions: the nearest are offered, and lead on.
async fn somebody_was_faster(public: &str, seen: &mut Seen<'_>, browser: &Browser) -> Result<()> {
    find_again(public, browser).await?;
    let clinic = browser.current_url().await?.to_string();
    for number in 0..TIMES_TRIED_MAX {
        let times = all(browser, "a.time").await?;
        push(browser, times.get(number).context("no more times")?).await?;
        let url = browser.current_url().await?;
        let slot = url.path().rsplit('/').next().unwrap_or_default().to_owned();
        let (others, mut left) = (Client::new(public), PLACES_MAX);
        while others.send(&traveller::hold(&slot, &fresh_key("faster"))).await?.status == 201 {
            left -= 1;
            ensure!(left > 0, "{slot} has more than {PLACES_MAX} places");
        }
        choose(
            all(browser, "input[name=age]")
                .await?
                .last()
                .context("no ages to choose from")?,
        )
        .await?;
        press(browser, "main form button[type=submit]").await?;
        let nearest = all(browser, ".nearest button").await?;
        if let Some(first) = nearest.first() {
            ensure!(nearest.len() <= 3, "{} times are offered", nearest.len());
            seen.page("time-gone").await?;
            push(browser, first).await?;
            let path = browser.current_url().await?.path().to_owned();
            ensure!(
                path.starts_with("/hold/") || path.starts_with("/holds"),
                "a nearest time led to {path}"
            );
            return seen.page("nearest-kept").await;
        }
        browser.goto(&clinic).await?; // a time for children
    }
    bail!("no page offered the nearest times")
}

/// A hold that ended while somebody typed.
async fn too_slow(public: &str, seen: &mut Seen<'_>, browser: &Browser, shifting: &Shifting) -> Result<()> {
    find_again(public, browser).await?;
    keep_a_time(seen, browser, false).await?;
    fill(browser, "given-name", "Chidi").await?;
    shifting.forward(HOLD_OVER_S).await?;
    press(browser, "main form[action$='/details'] button.button-primary").await?;
    seen.page("too-slow").await?;
    let source = browser.source().await?;
    ensure!(source.contains("Chidi"), "the typing is gone with the hold");
    Ok(())
}

async fn find_again(public: &str, browser: &Browser) -> Result<()> {
    browser.goto(&format!("{public}/clinics?q=01602")).await?;
    press(browser, "main h2 a[href^='/clinics/']").await
}

async fn says_error(seen: &Seen<'_>) -> Result<()> {
    let summary = all(&seen.browser, "[role=alert], .error-summary").await?;
    ensure!(
        !summary.is_empty(),
        "no summary of what is wrong:\n{}",
        seen.text().await?
    );
    Ok(())
}

async fn all(browser: &Browser, css: &str) -> Result<Vec<Element>> {
    browser
        .find_all(Locator::Css(css))
        .await
        .with_context(|| format!("looking for {css}"))
}

async fn one(browser: &Browser, css: &str) -> Result<Element> {
    browser
        .find(Locator::Css(css))
        .await
        .with_context(|| format!("looking for {css}"))
}

async fn press(browser: &Browser, css: &str) -> Result<()> {
    let element = one(browser, css).await?;
    push(browser, &element).await.with_context(|| format!("pressing {css}"))
}

/// A link or a button, by the keyboard: that must work for everybody, and where scripts are off the driver's own click
/// waits for ever for a script of its own. Each leads to another page, which is waited for: the old one is gone, and
/// the new one is whole.
async fn push(browser: &Browser, element: &Element) -> Result<()> {
    let before = one(browser, "html").await?;
    element.send_keys(ENTER).await?;
    let until = Instant::now() + NEXT_PAGE_WITHIN;
    while before.tag_name().await.is_ok() || all(browser, "footer").await?.is_empty() {
        ensure!(Instant::now() < until, "no other page came");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// A radio button, by the keyboard.
async fn choose(element: &Element) -> Result<()> {
    Ok(element.send_keys(" ").await?)
}

async fn fill(browser: &Browser, name: &str, value: &str) -> Result<()> {
    let field = one(browser, &format!("[name='{name}']")).await?;
    field.clear().await?;
    field
        .send_keys(value)
        .await
        .with_context(|| format!("typing into {name}"))
}
