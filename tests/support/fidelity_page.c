/* Prints docs/fidelity.md, from the field tables. tools/check_docs compares it with the page. */
#include "resource/resource.h"

#include <stdio.h>

static const char head[] =
    "# What becomes of each field\n"
    "\n"
    "Made from the field tables of the code by `build/tests/support/fidelity_page`; do not edit.\n"
    "\n"
    "- **copied**: the copy has what the source has, as the note says;\n"
    "- **mapped**: translated for each destination;\n"
    "- **on request**: carried when the configuration asks for it;\n"
    "- **its own**: the service makes it for each side;\n"
    "- **lost**: exists at the source, and no copy carries it.\n";

int main(void)
{
    struct buf page;
    buf_init(&page, 1024 * 1024);
    buf_append_text(&page, head);
    for (size_t i = 0; resource_kinds[i]; i++) {
        buf_append_char(&page, '\n');
        fidelity_write(resource_kinds[i], &page);
    }
    bool written = fputs(buf_text(&page), stdout) >= 0 && fflush(stdout) == 0;
    buf_done(&page);
    return written ? 0 : 1;
}
