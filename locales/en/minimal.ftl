# The minimal site: what people read when no server answers. Never "none left" for "cannot tell".

minimal-title = Our booking system is down
minimal-down = Our booking system is down.
minimal-works = This simple page still works.
minimal-ours = This is our problem, not yours. We are fixing it.
minimal-have-one = Already have an appointment?
minimal-safe = It is safe. Go at your time.
minimal-again = You can't book right now. Try again in a few minutes.
minimal-unknown =
    We do not know yet if your last step was done. Please do not start again. Load this page again in a few
    minutes to see the answer.
minimal-clinics = Clinics
minimal-no-clinics = We can't see the clinics right now. There may still be open times.
minimal-as-of = These are the open times we knew about { $span } ago. They may be gone.
minimal-too-old = We can't see open times right now. There may still be some. This list of clinics is from { $span } ago.
minimal-cannot-tell = We can't tell
minimal-none-then = There were none then
minimal-open-times =
    { $count ->
        [one] There was 1 then
       *[other] There were { $count } then
    }
minimal-other-language = Español
