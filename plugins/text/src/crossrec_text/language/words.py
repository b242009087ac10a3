"""What tells languages apart at a glance: function words, scripts, and letters with marks.

A word stands under a language only if English does not write it too: "die", "in" or "pour" say
nothing. So short texts are often undecided, and a catalogue is judged by those that are not.
"""

from __future__ import annotations

ENGLISH = "English"
#: Latin letters that English lacks, in words of no language of the table.
MARKED = "another language in Latin letters"

FUNCTION_WORDS: dict[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        ENGLISH: "the of and for with to from by your you this that is are it or not how what into "
        "without my we our at when who be have has can will all over after before between",
        "German": "der das und mit für von zum zur ein eine einer eines auf aus bei nach ohne über "
        "unter nicht sich dem vom beim ist wie auch oder wir ich sie einen durch gegen zwischen",
        "French": "du et le la les des avec dans aux une est qui que chez ses leur vous nous été "
        "très où sous cette",
        "Spanish": "el los las del y en por una que como más para mi su sobre muy desde la es",
        "Italian": "il lo gli della delle dei di una nel nella sul che alla dal è più come sono",
        "Portuguese": "da das dos em uma não que ao à pela pelo são como mais você",
        "Dutch": "het een voor bij naar niet zijn deze wordt uit aan mijn geen zonder onder tussen",
        "Scandinavian": "och för på ett og til av af från fra utan uden ikke inte jeg jag är",
        "Polish": "dla się nie jest przez oraz jak czy nad ze",
        "Turkish": "ve ile için bir bu çok daha gibi",
        "Indonesian": "yang dengan untuk dari itu tidak",
        "Czech": "nebo při které protože aby",
    }.items()
}
#: First code point of a block → what it is written in; "" is no letter, or one of any script.
BLOCKS: tuple[tuple[int, str], ...] = (
    (0x0000, ""),
    (0x0041, "Latin"),
    (0x005B, ""),
    (0x0061, "Latin"),
    (0x007B, ""),
    (0x00C0, "Latin"),
    (0x00D7, ""),
    (0x00D8, "Latin"),
    (0x00F7, ""),
    (0x00F8, "Latin"),
    (0x0250, ""),
    (0x0370, "Greek"),
    (0x0400, "Russian"),  # and others in Cyrillic letters
    (0x0530, "Armenian"),
    (0x0590, "Hebrew"),
    (0x0600, "Arabic"),
    (0x0700, ""),
    (0x0900, "Hindi"),
    (0x0980, "another Indian language"),
    (0x0E00, "Thai"),
    (0x0E80, ""),
    (0x10A0, "Georgian"),
    (0x1100, "Korean"),
    (0x1200, ""),
    (0x1E00, "Latin"),
    (0x1F00, "Greek"),
    (0x2000, ""),
    (0x3040, "Japanese"),
    (0x3100, ""),
    (0x3130, "Korean"),
    (0x3190, ""),
    (0x3400, "Chinese"),
    (0xA000, ""),
    (0xAC00, "Korean"),
    (0xD7B0, ""),
    (0xF900, "Chinese"),
    (0xFB00, ""),
    (0x20000, "Chinese"),
    (0x32000, ""),
)
