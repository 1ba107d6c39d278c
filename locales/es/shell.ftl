# What stands around every page, also when everything behind the gateway is gone.
# Translation state: draft, until a qualified human has reviewed it.

title = { $page } – citas para vacunarse, { $jurisdiction }
title-error = Error: { $page } – citas para vacunarse, { $jurisdiction }
skip = Ir a la parte principal
service-name = Citas para vacunarse
demo-title = Demostración.
demo-as-of = Clínicas de { $year }.
demo-not-a-place = No vaya a estos lugares.
rehearsal-clock = Ensayo: es posible que nuestro reloj esté cambiado.
footer-help = ¿No puede usar este sitio? Llámenos al { $phone }.
footer-privacy = Privacidad
footer-runs-on = Funciona con Evenkeel, de código abierto
footer-reference = Si nos llama por esta página, diga: { $reference }
span-seconds =
    { $count ->
        [one] 1 segundo
       *[other] { $count } segundos
    }
span-minutes =
    { $count ->
        [one] 1 minuto
       *[other] { $count } minutos
    }
span-hours =
    { $count ->
        [one] 1 hora
       *[other] { $count } horas
    }
span-days =
    { $count ->
        [one] 1 día
       *[other] { $count } días
    }
