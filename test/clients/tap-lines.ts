/**
 * What a client program printed, counted: the lines `ok 1 - what` and `not ok 2 - what` of the Test Anything Protocol.
 *
 * The one idea: programs of every language report in lines of text, and whatever else they or their libraries print is
 * passed over. Invariants: a line that was not understood never counts; `# SKIP` counts as neither passed nor failed;
 * the diagnostics of a failure are the `#` lines and the indented lines that follow it at once.
 */

/** One failed check, with what the client said about it. */
export interface Failure {
  readonly what: string
  readonly diagnostics: readonly string[]
}

/** Result of one or several phases of a client. */
export interface Checks {
  readonly passed: number
  readonly failures: readonly Failure[]
  /** Checks that the client left out, each with its reason. */
  readonly skipped: readonly string[]
  /** What the client runs against, from a line `# version pymilvus 2.6.3`. */
  readonly version: string | undefined
}

const NONE: Checks = { passed: 0, failures: [], skipped: [], version: undefined }

const RESULT = /^(not )?ok\b\s*\d*\s*(?:- )?(.*)$/
const SKIP = /\s+# SKIP\b\s*(.*)$/i

/** Counts the results in the standard output of one phase. */
export function readChecks(output: string): Checks {
  let passed = 0
  let version: string | undefined
  const failures: { what: string; diagnostics: string[] }[] = []
  const skipped: string[] = []
  let open: string[] | undefined // diagnostics of the failure that the next lines may belong to
  for (const line of output.split(/\r?\n/)) {
    const result = RESULT.exec(line)
    if (result === null) {
      const named = /^# version (.+)$/.exec(line)
      if (named !== null) version = named[1]!.trim()
      else if (/^(#|\s+\S)/.test(line)) open?.push(line)
      else open = undefined
      continue
    }
    const what = result[2]!
    open = undefined
    if (SKIP.test(what)) skipped.push(what)
    else if (result[1] === undefined) passed++
    else {
      open = []
      failures.push({ what, diagnostics: open })
    }
  }
  return { passed, failures, skipped, version }
}

/** The results of several phases as one. */
export function addChecks(all: readonly Checks[]): Checks {
  return all.reduce(
    (sum, one) => ({
      passed: sum.passed + one.passed,
      failures: [...sum.failures, ...one.failures],
      skipped: [...sum.skipped, ...one.skipped],
      version: sum.version ?? one.version,
    }),
    NONE,
  )
}
