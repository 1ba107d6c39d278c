# What residents read. Short words, short sentences: measured at school grade 6 or below.
# Say whose fault it is, what is safe, what happens next, and when. Say the zone with every time.

## On many pages

error-summary-title =
    { $count ->
        [one] There is a problem with one answer
       *[other] There is a problem with { $count } answers
    }
yes = Yes
no = No
call-us = Need help? Call us at { $phone }.
start-search = Start a new search
check-again = Check again
typing-kept = What you typed is still here.

## Dates, times and numbers

clock =
    { $half ->
        [am] { $hour }:{ $minute } AM
       *[pm] { $hour }:{ $minute } PM
    }
clock-zone = { $clock } { $zone }
date-long = { $weekday }, { $month } { $day }, { $year }
date-day = { $weekday }, { $month } { $day }
date-short = { $weekday-short }, { $month-short } { $day }
date-day-month = { $month-short } { $day }
date-plain = { $month } { $day }, { $year }
month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December
month-short-1 = Jan
month-short-2 = Feb
month-short-3 = Mar
month-short-4 = Apr
month-short-5 = May
month-short-6 = Jun
month-short-7 = Jul
month-short-8 = Aug
month-short-9 = Sep
month-short-10 = Oct
month-short-11 = Nov
month-short-12 = Dec
weekday-1 = Monday
weekday-2 = Tuesday
weekday-3 = Wednesday
weekday-4 = Thursday
weekday-5 = Friday
weekday-6 = Saturday
weekday-7 = Sunday
weekday-short-1 = Mon
weekday-short-2 = Tue
weekday-short-3 = Wed
weekday-short-4 = Thu
weekday-short-5 = Fri
weekday-short-6 = Sat
weekday-short-7 = Sun
zone-short-America-New_York = ET
zone-short-America-Detroit = ET
zone-short-America-Indiana-Indianapolis = ET
zone-short-America-Kentucky-Louisville = ET
zone-short-America-Chicago = CT
zone-short-America-Denver = MT
zone-short-America-Boise = MT
zone-short-America-Phoenix = MST
zone-short-America-Los_Angeles = PT
zone-short-America-Anchorage = AKT
zone-short-Pacific-Honolulu = HST
zone-short-America-Puerto_Rico = AST
zone-short-UTC = UTC
zone-long-America-New_York = Eastern Time (ET)
zone-long-America-Detroit = Eastern Time (ET)
zone-long-America-Indiana-Indianapolis = Eastern Time (ET)
zone-long-America-Kentucky-Louisville = Eastern Time (ET)
zone-long-America-Chicago = Central Time (CT)
zone-long-America-Denver = Mountain Time (MT)
zone-long-America-Boise = Mountain Time (MT)
zone-long-America-Phoenix = Mountain Standard Time (MST)
zone-long-America-Los_Angeles = Pacific Time (PT)
zone-long-America-Anchorage = Alaska Time (AKT)
zone-long-Pacific-Honolulu = Hawaii Time (HST)
zone-long-America-Puerto_Rico = Atlantic Time (AST)
zone-long-UTC = Universal Time (UTC)

## Home and search

home-heading = Find a vaccine appointment near you.
home-no-account = You do not need an account.
home-manage-title = See, move or cancel your appointment
home-manage-body = Open your own link, or scan the square code on your page.
home-manage-code = No link? Use your code.
home-open-title =
    { $count ->
        [one] One time is open
       *[other] { $count } times are open
    }
home-open-none = No times are open right now
home-open-unknown = We can't see how many times are open
home-open-as-of = As of { $time }.
home-working-title = Booking is working
home-working-body = You can book, move and cancel here.
home-paused-title = You can't book right now
home-paused-body = This is our problem, not yours. You can still look for clinics. If you already have an appointment, it is safe.
search-place = ZIP code, town or clinic
search-place-hint = For example, 01608 or Worcester
search-vaccine = Which vaccine?
search-any-vaccine = Any vaccine
search-from = From which day?
search-any-day = Any day
search-button = Find appointments
search-again-heading = Where are you?
search-towns = Which town do you mean?
error-place-empty = Type a ZIP code, like 01608, or a town, like Worcester
error-place-zip = We don't know the ZIP code { $zip }. Type five digits, like 01608
error-place-unknown = We found no town or clinic called “{ $place }”. Type a ZIP code, like 01608, or a town, like Worcester
error-place-towns = More than one town starts with “{ $place }”. Choose one below, or type its whole name

## Results

results-near =
    { $count ->
        [one] One clinic near { $place }
       *[other] { $count } clinics near { $place }
    }
results-in =
    { $count ->
        [one] One clinic in { $place }
       *[other] { $count } clinics in { $place }
    }
results-named =
    { $count ->
        [one] One clinic named “{ $name }”
       *[other] { $count } clinics named “{ $name }”
    }
results-all =
    { $count ->
        [one] One clinic
       *[other] { $count } clinics
    }
results-none-near =
    { $miles ->
        [one] No clinics within 1 mile of { $place }
       *[other] No clinics within { $miles } miles of { $place }
    }
results-change = Change search
results-from = from { $date }
results-miles = { $miles } miles away
results-no-distance = We don't know how far this is
results-next = Next: { $when }
results-more =
    { $count ->
        [one] Show one more clinic
       *[other] Show { $count } more clinics
    }
results-wider = Look within { $miles } miles
age = Open times as of { $time }, { $span } ago
age-now = Open times as of { $time }, just now
age-old = Open times from { $time }, { $span } ago. They may be gone.
tag-open =
    { $count ->
        [one] 1 time open
       *[other] { $count } times open
    }
tag-may-be-gone =
    { $count ->
        [one] 1 was open, may be gone
       *[other] { $count } were open, may be gone
    }
tag-none-left = None left
tag-nothing-posted = No times posted yet
tag-cannot-tell = Cannot tell
cannot-tell = We can't see open times for this clinic right now. There may still be some. Try again in a few minutes, or call us.
none-left-way-on = All times are taken. Someone may cancel, so look again later.

## Clinic

back-to-search = Back to search
back-to-results = Clinics near { $place }
clinic-hours = Hours: { $hours }
clinic-made = Phone, hours and times are made up for this demonstration.
clinic-vaccine = Choose a vaccine
clinic-days = Choose a day
clinic-later = Later days
clinic-earlier = Earlier days
clinic-times-zone = { $vaccine }. Times are { $zone }.
clinic-day-empty = No times are open on this day.
clinic-more-times =
    { $count ->
        [one] Show one more time
       *[other] Show { $count } more times
    }
clinic-nothing-title = No times posted yet
clinic-nothing-body = This clinic has not posted any times. Look at other clinics, or call us.
day-left =
    { $count ->
        [one] 1 left
       *[other] { $count } left
    }
day-none = None
day-closed = Closed
day-cannot-tell = Can't tell
time-left =
    { $count ->
        [one] 1 left
       *[other] { $count } left
    }
part-morning = Morning
part-afternoon = Afternoon
part-evening = Evening

## Before we save a time

back-to-times = Choose another time
screening-heading = Before we save this time
screening-age = How old will the person be on { $date }?
screening-age-hint = We ask so that we don't save a time you can't use.
screening-button = Save this time for me
error-age = Choose an age
age-under = Under { $age }
age-over = { $age } or older
age-to = { $from } to { $to }
age-years-to = { $from } to { $to }
age-years =
    { $count ->
        [one] 1 year
       *[other] { $count } years
    }
age-months =
    { $count ->
        [one] 1 month
       *[other] { $count } months
    }
not-for-you-heading = This time is not right for you
not-for-you-from = { $vaccine } is given here from the age of { $age }.
not-for-you-to = { $vaccine } is given here up to the age of { $age }.
not-for-you-group = { $vaccine } at this time is for another group.
not-for-you-nothing-kept = We have not saved this time. Nothing was booked.
not-for-you-instead = What you can have at this clinic
not-for-you-other = Other things you can do
not-for-you-change-age = Choose another age
see-vaccine-times = { $vaccine }: see times

## Hold

hold-label = Your saved time
hold-minutes-left =
    { $count ->
        [one] 1 minute left
       *[other] { $count } minutes left
    }
hold-under-a-minute = Less than 1 minute left
hold-more-time = More time
hold-sentence = We are saving this time for you until { $time }. You are not booked yet. Need longer? Choose “More time”.
hold-sentence-last = We are saving this time for you until { $time }. You are not booked yet.
hold-sentence-move = We are saving the new time for you until { $time }. You still have your old time.
hold-more-done = You have more time now
hold-more-refused = You can't get more time. Book before your time is up.
give-up = Give up this time
time-gone-title = Someone else took that time first
time-gone-body = You are not booked.
hold-expired-title = Your time to book ran out
hold-expired-body = You are not booked. We could not save that time any longer.
hold-ended-title = You gave up this time
hold-ended-body = You are not booked. Someone else can have that time now.
too-late-title = That time has passed
too-late-body = You are not booked.
hold-booked-title = This time is booked
hold-booked-body = You do not need to book again. Use the page or the link that you got when you booked.
nearest-title =
    { $count ->
        [1] This open time is the closest to it
        [2] These two open times are the closest to it
       *[other] These three open times are the closest to it
    }
nearest-none = We found no other open times close to it.
see-all-times = See all times at this clinic

## Details

back-to-other-times = Choose another time
details-heading = Your details
details-given-name = First name
details-family-name = Last name
details-birth = Date of birth
details-birth-hint = For example, 3 27 1958
details-month = Month
details-day = Day
details-year = Year
details-phone = Mobile phone (optional)
details-phone-hint = It can be shared with someone else.
details-email = E-mail (optional)
details-email-hint = We send your appointment there, and any change to it.
details-language = Language at the clinic
details-language-hint = The clinic can get help to speak with you.
details-language-any = No special language
details-needs = What do you need at the clinic? (optional)
details-needs-hint = Choose all that fit.
details-button = Continue
question-optional = { $question } (optional)
question-date-hint = For example, 3/27/2026
error-given-name = Type the first name
error-family-name = Type the last name
error-name-long = A name can have up to 100 letters
error-birth = Type the date of birth, like 3 27 1958
error-birth-whole = Type month, day and year of birth, like 3 27 1958
error-birth-month = Month of birth must be 1 to 12, or a name like March
error-birth-day = Day of birth must be 1 to 31
error-birth-year = Year of birth must have four digits, like 1958
error-birth-no-day = That month has no such day. Check the day of birth
error-birth-future = Date of birth can't be after today. Check the year
error-birth-early = Year of birth must be 1900 or later
error-phone = Phone number must have 7 to 15 digits, like 413-555-0188. Or leave it empty
error-email = E-mail must look like name@example.org. Or leave it empty
error-question = Answer the question: { $question }
error-date = Type a date like 3/27/2026 for: { $question }
language-en = English
language-es = Spanish (Español)
language-zh = Chinese (中文)
language-vi = Vietnamese (Tiếng Việt)
language-ar = Arabic (العربية)
language-pt = Portuguese (Português)
language-ht = Haitian Creole (Kreyòl)
language-fr = French (Français)
language-ru = Russian (Русский)
language-ko = Korean (한국어)
language-tl = Tagalog
language-hi = Hindi (हिन्दी)
language-ase = American Sign Language
need-wheelchair = A way in without steps
need-interpreter = Someone who speaks my language
need-low-vision = Help because I can't see well
need-hearing = Help because I can't hear well
need-lie-down = Somewhere to lie down
need-helper = Room for a person who helps me

## Check answers

check-heading = Check your answers
check-lead = You are not booked until you choose the button at the end.
check-vaccine = Vaccine
check-when = When
check-where = Where
check-name = Name
check-phone = Phone
check-email = E-mail
check-needs = Needs at the clinic
check-none = None given
check-button = Book this appointment
change = Change
refusal-already-booked-title = There is an appointment already
refusal-already-booked-body = This person already has an appointment for this dose. Use the link to that one to see or move it. Nothing new was booked.
refusal-too-soon-title = It is too soon after the last dose
refusal-too-soon-body = Choose a later day. Nothing was booked.
refusal-too-soon-from-body = Choose a day from { $date } on. Nothing was booked.
refusal-too-young-title = The person is too young for this vaccine on that day
refusal-too-young-body = Choose another vaccine or a later day. Check the date of birth too. Nothing was booked.
refusal-too-young-from-body = This vaccine can be given from { $date } on. Check the date of birth too. Nothing was booked.
refusal-not-eligible-title = This person can't have this vaccine here now
refusal-not-eligible-body = That is what the rules say about these answers. If an answer is wrong, change it. You can also choose another vaccine. Nothing was booked.
refusal-wrong-vaccine-title = This is another vaccine than the last dose
refusal-wrong-vaccine-body = The next dose must be the same vaccine. Choose a time for that one. Nothing was changed.
refusal-too-late-title = It is too late to change this
refusal-too-late-body = The time has begun or has passed. Nothing was changed.
refusal-idempotency-key-reused-title = Your answers have changed
refusal-idempotency-key-reused-body = Look at them once more, then book. Nothing new was booked.

## Appointment

appointment-booked = You are booked
appointment-moved = Your appointment is moved
appointment-yours = Your appointment
appointment-canceled = Your appointment is canceled
appointment-for = For { $name }
appointment-code = Your code
appointment-qr = Square code with the link to this appointment
appointment-show = Show this at the clinic. A photo or a print works too.
appointment-calendar = Add to calendar
appointment-print = To print this page, choose Print in your browser's menu.
appointment-keep-title = Keep this page
appointment-keep-body = This link is your way back. Save it, or write down your code.
appointment-keep-no-contact = You gave no e-mail, so we can't send you this. Save this link, print the page, or write down your code.
appointment-keep-mailed = This also goes to { $address } by e-mail. This link is your way back. Save it, or write down your code.
appointment-on-the-day = On the day
appointment-come-early = Come 5 minutes before your time.
appointment-sleeves = Wear a top with loose sleeves.
appointment-insurance = Bring your insurance card if you have one. You do not need one.
appointment-ill = Feeling ill? Stay home and move your appointment.
appointment-change-title = Need to change it?
appointment-move = Move to another time
appointment-cancel = Cancel appointment
appointment-cannot-change = This appointment can't be moved or canceled here any more.
appointment-change-print = Use the square code, or call { $phone } and say your code.
appointment-if-down = If our site is down, your appointment is still safe. Go at your time.
appointment-private = Keep your link and code private. They can cancel this appointment.
appointment-printed = Printed { $date }, { $time }
status-booked = Booked
status-arrived = You are checked in
status-fulfilled = Done
status-cancelled = Canceled
status-noshow = Missed
canceled-by-you = Your appointment on { $date } at { $time } is canceled. Someone else can have that time now.
canceled-new-time = Want a new time?
canceled-choose = Choose a new time
cancel-heading = Cancel your appointment?
cancel-someone-else = If you cancel, someone else can have this time.
cancel-move-instead = Move it to another time
cancel-button = Cancel appointment
cancel-keep = Keep my appointment
calendar-summary = Appointment
calendar-description = Come 5 minutes before your time. To move or cancel, use your own link or call { $phone }.
calendar-description-no-phone = Come 5 minutes before your time. To move or cancel, use your own link.
calendar-demo = Demonstration. Not a place to go.

## Mail

mail-booked =
    { $count ->
        [one] Your appointment is booked
       *[other] Your { $count } appointments are booked
    }
mail-moved =
    { $count ->
        [one] Your appointment is moved
       *[other] Your { $count } appointments are moved
    }
mail-canceled =
    { $count ->
        [one] Your appointment is canceled
       *[other] Your { $count } appointments are canceled
    }
mail-link-anew = A new link to your appointment
mail-when = { $date }, { $time }, { $zone }
mail-code = Your code: { $code }
mail-link = See, move or cancel it here:
mail-button = See, move or cancel
mail-link-private = Keep this link and your code private. They can cancel this appointment.
mail-link-ends = The link works until one day after your appointment.
mail-call = Need help? Call us at { $phone }.
mail-why = You get this because someone gave this e-mail address when they booked. No one reads what is sent back to it.
demo-mail-see = See the e-mail that would have gone out
demo-mail-heading = E-mail that would have gone out
demo-mail-lead = No e-mail leaves this demonstration. Only this computer can see this page.
demo-mail-limit =
    { $count ->
        [one] One e-mail a day goes to one address. More wait until the next day.
       *[other] At most { $count } e-mails a day go to one address. More wait until the next day.
    }
demo-mail-none = Nothing yet. Book with an e-mail address, then load this page again.
demo-mail-to = To
demo-mail-look = See how it looks
demo-mail-file = Save the e-mail
appointment-share = Give someone who helps you a link

## A link for someone who helps

share-heading = A link for someone who helps you
share-lead = Whoever has this link can see, move and cancel this appointment. You can stop it at any time. Your own link stays yours.
share-make = Make a link
share-another = Make another link
share-link = Link { $number }
share-since = Made { $date }, { $time }
share-stop = Stop link { $number }
share-enough = You can't share more links now. Stop one to make another.

## Find an appointment by its code

lookup-heading = Find your appointment
lookup-lead = Type the code of your appointment and the date of birth you booked with.
lookup-code = Your code
lookup-code-hint = For example, 7KXM-2QRD-9J
lookup-birth = Date of birth of the person who has the appointment
lookup-button = Find my appointment
lookup-again = Type your code again
lookup-found-heading = Your appointment
lookup-mailed = We sent a new link to the e-mail address you gave us, at { $time }. With it you can move your appointment. Your old link does not work any more.
lookup-not-mailed = To move this appointment, use your own link.
lookup-call = No link? Call us at { $phone }.
lookup-too-many-title = Wait a moment
lookup-too-many-body = Someone is already looking up codes from your connection. Wait a minute, then try again.
lookup-over-title = This page is over
lookup-over-body = We show an appointment this way for a short time only. Type your code again to see it.
error-code = Type your code, like 7KXM-2QRD-9J. It has ten letters and numbers
error-lookup = We find no appointment with this code and date of birth. Check both

## Move

move-heading = Choose a new time
move-now = You have { $when }.
move-safe = You keep it until the new time is sure.
move-keep = Keep my time
move-nothing-here = This clinic has no other times for your appointment.
move-other-clinics = Other clinics with this vaccine
move-other-near = { $clinic }, { $miles } miles from there
move-other-in = { $clinic }, { $town }
move-confirm-heading = Move your appointment?
move-confirm-lead = We move you only when you choose the button. Until then you keep your old time.
move-from = From
move-to = To
move-button = Move my appointment
move-failed-title = Your appointment was not moved
move-failed-body = You still have your old time. Choose another new time.
move-expired-title = We could not save the new time any longer
move-expired-body = You still have your old time. Choose a new time again.
move-gone-title = Someone else took that time first
move-gone-body = You still have your old time.

## Trouble

fault-busy-title = Very many people are booking right now
fault-busy-body = This did not go through. Nothing was changed. Wait a few seconds, then choose “Check again”.
fault-timed-out-title = That took too long
fault-timed-out-body = This is our problem, not yours. Choose “Check again” to go on. You will not book twice.
fault-unreachable-title = You can't book right now
fault-unreachable-body = This is our problem, not yours. Nothing was booked or changed. If you already have an appointment, it is safe. Wait a minute, then choose “Check again”.
fault-read-only-title = You can't book right now
fault-read-only-body = This is our problem, not yours. Nothing was booked or changed. If you already have an appointment, it is safe. Wait a minute, then choose “Check again”.
fault-outcome-unknown-title = We do not know yet if your appointment was made
fault-outcome-unknown-body = Please do not start again. We are checking. Choose “Check again” to see the answer.
fault-cannot-show-title = We can't show this right now
fault-cannot-show-body = This is our problem, not yours. If you already have an appointment, it is safe. Go at your time. Wait a minute, then load this page again.
not-found-title = We can't find this page
not-found-body = The link may be cut off or too old. Open the whole link again, or call us. If you have an appointment, it is safe.
wrong-method-title = This page can't be opened like this
wrong-method-body = Go back and use the buttons on the page.
too-large-title = That was too much text
too-large-body = Go back and make your answers shorter. Nothing was changed.
too-slow-title = Your answers did not arrive in time
too-slow-body = Your line may be slow. Go back and send them again. Nothing was changed.
broke-title = Something broke on our side
broke-body = This is our mistake. If you already have an appointment, it is safe. Go back and do the last step again, or call us.

## Privacy

privacy-heading = Privacy
privacy-what = To book, we ask for a name, a date of birth, and answers about the vaccine. A phone number and an e-mail are your choice.
privacy-why = The clinic uses this to get ready for you and to give the right vaccine. We do not sell it, and no ads or other firms see it.
privacy-link = Your own link opens your appointment. Anyone who has it can move or cancel the appointment, so keep it to yourself.
privacy-no-tracking = These pages use no cookies and no tracking.

## Doses

dont-know = I don't know
details-dose = Which dose is this?
details-dose-hint = Count the doses you had before, also elsewhere.
dose-number = Dose { $number }
check-dose = Dose
back-to-clinics = Back to clinics
back-to-appointment = Back to your appointment
move-choose-again = Choose a new time
