# What stands around every page, also when everything behind the gateway is gone.

title = { $page } – { $jurisdiction } vaccine appointments
title-error = Error: { $page } – { $jurisdiction } vaccine appointments
skip = Skip to the main part
service-name = Vaccine appointments
demo-title = Demonstration.
demo-as-of = Clinics as of { $year }.
demo-not-a-place = Not a place to go.
rehearsal-clock = Rehearsal: our clock may be moved.
footer-help = Can't use this site? Call us at { $phone }.
footer-privacy = Privacy
footer-runs-on = Runs on Evenkeel, open source
footer-reference = If you call us about this page, say: { $reference }
span-seconds =
    { $count ->
        [one] 1 second
       *[other] { $count } seconds
    }
span-minutes =
    { $count ->
        [one] 1 minute
       *[other] { $count } minutes
    }
span-hours =
    { $count ->
        [one] 1 hour
       *[other] { $count } hours
    }
span-days =
    { $count ->
        [one] 1 day
       *[other] { $count } days
    }
