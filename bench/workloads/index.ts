/** Every workload, in the order of a full run. */
import type { Workload } from '../harness.js'
import { filterWorkloads } from './filter.js'
import { iterateWorkloads } from './iterate.js'
import { lifecycleWorkloads } from './lifecycle.js'
import { readWorkloads } from './read.js'
import { searchKindWorkloads } from './search-kinds.js'
import { stepWorkloads } from './steps.js'
import { wireWorkloads } from './wire.js'
import { writeWorkloads } from './write.js'

export const WORKLOADS: readonly Workload[] = [
  ...writeWorkloads,
  ...readWorkloads,
  ...filterWorkloads,
  ...searchKindWorkloads,
  ...iterateWorkloads,
  ...lifecycleWorkloads,
  ...stepWorkloads,
  ...wireWorkloads,
]
