/* Preloaded into a program: emulates CPUID and XGETBV at the breakpoints that `core.py` replaced them with.

   CLAIMS=nothing reports only what the first x86-64 processors have, CLAIMS=everything reports every extension. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

static int claims_everything;

static void emulate_cpuid(unsigned leaf, unsigned subleaf, unsigned r[4]) {
    unsigned extensions = claims_everything ? ~0u : 0;
    __cpuid_count(leaf, subleaf, r[0], r[1], r[2], r[3]);
    switch (leaf) {
    case 0: r[0] = claims_everything ? 7 : 1; break;
    case 1: r[2] = extensions; break; /* EDX is kept: SSE2 */
    case 7: r[0] = 0; r[1] = r[2] = r[3] = extensions; break;
    case 0x80000000u: break;
    case 0x80000001u: r[2] = extensions; break;
    default:
        if (leaf < 0x80000000u) memset(r, 0, 4 * sizeof *r);
    }
}

static void on_breakpoint(int number, siginfo_t *info, void *context) {
    (void)number, (void)info;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    int is_xgetbv = *(const unsigned char *)registers[REG_RIP] == 0x66;
    if (is_xgetbv) {
        if (!claims_everything) raise(SIGILL); /* OSXSAVE is not reported */
        registers[REG_RAX] = 0xE7;
        registers[REG_RDX] = 0;
        return;
    }
    unsigned r[4];
    emulate_cpuid((unsigned)registers[REG_RAX], (unsigned)registers[REG_RCX], r);
    registers[REG_RAX] = r[0], registers[REG_RBX] = r[1], registers[REG_RCX] = r[2], registers[REG_RDX] = r[3];
}

__attribute__((constructor)) static void install(void) {
    const char *claims = getenv("CLAIMS");
    struct sigaction action = {.sa_sigaction = on_breakpoint, .sa_flags = SA_SIGINFO};
    claims_everything = claims && !strcmp(claims, "everything");
    sigaction(SIGTRAP, &action, NULL);
}
