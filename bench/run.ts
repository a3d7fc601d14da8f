/**
 * Command line of the benches: `npm run bench -- [--full] [--list] [names…]`.
 *
 * Without names every workload runs; without `--full` (or BENCH=1) at smoke size, which says that it works and nothing
 * about speed. Results go to the terminal and, as JSON, to bench-results/.
 */
import { parseArgs } from 'node:util'
import { removeFolders } from './dataset.js'
import { failedChecks, isFull, machine, render, type WorkloadResult, writeResults } from './harness.js'
import { WORKLOADS } from './workloads/index.js'

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { full: { type: 'boolean' }, list: { type: 'boolean' } },
  })
  if (values.list === true) {
    for (const { name, title } of WORKLOADS) console.log(`${name.padEnd(16)} ${title}`)
    return 0
  }
  const unknown = positionals.filter(name => !WORKLOADS.some(workload => workload.name === name))
  if (unknown.length > 0) {
    console.error(`unknown workload ${unknown.join(', ')}; known: ${WORKLOADS.map(w => w.name).join(', ')}`)
    return 2
  }
  if (values.full === true) process.env['BENCH'] = '1'
  const facts = Object.entries(machine()).map(([name, value]) => `${name}=${value}`)
  console.log(
    `${isFull() ? 'full size' : 'SMOKE SIZE: these figures say nothing about speed'}\n${facts.join(' ')}\n`,
  )
  const results: Record<string, WorkloadResult> = {}
  let failed = 0
  for (const workload of WORKLOADS) {
    if (positionals.length > 0 && !positionals.includes(workload.name)) continue
    const result = await workload.run()
    results[workload.name] = result
    failed += failedChecks(result).length
    console.log(render(workload, result))
  }
  console.log(`written to ${writeResults(results, 'bench-results')}`)
  return failed === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} finally {
  removeFolders()
}
