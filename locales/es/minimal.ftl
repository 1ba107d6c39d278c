# The minimal site: what people read when no server answers. Never "none left" for "cannot tell".
# Translation state: draft, until a qualified human has reviewed it.

minimal-title = Nuestro sistema de citas no funciona
minimal-down = Nuestro sistema de citas no funciona.
minimal-works = Esta página sencilla sí funciona.
minimal-ours = El problema es nuestro, no suyo. Lo estamos arreglando.
minimal-have-one = ¿Ya tiene una cita?
minimal-safe = Sigue en pie. Vaya a su hora.
minimal-again = En este momento no se pueden hacer citas. Intente de nuevo en unos minutos.
minimal-unknown =
    Todavía no sabemos si su último paso quedó hecho. Por favor, no empiece de nuevo. Vuelva a cargar esta página
    en unos minutos para ver la respuesta.
minimal-clinics = Clínicas
minimal-no-clinics = En este momento no podemos ver las clínicas. Puede que todavía haya horarios libres.
minimal-as-of = Estos son los horarios libres que conocíamos hace { $span }. Puede que ya no estén libres.
minimal-too-old = En este momento no podemos ver los horarios libres. Puede que todavía haya. Esta lista de clínicas es de hace { $span }.
minimal-cannot-tell = No lo sabemos
minimal-none-then = Entonces no quedaba ninguno
minimal-open-times =
    { $count ->
        [one] Entonces había 1
       *[other] Entonces había { $count }
    }
minimal-other-language = English
