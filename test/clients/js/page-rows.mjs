/** The rows of the page "Upsert Entities", and the two that its merge example needs to be there. */

export const FIRST = [
  {
    id: 0,
    vector: [
      -0.619954382375778, 0.4479436794798608, -0.17493894838751745, -0.4248030059917294, -0.8648452746018911,
    ],
    title: 'Artificial Intelligence in Real Life',
    issue: 'vol.12',
  },
  {
    id: 1,
    vector: [
      0.4762662251462588, -0.6942502138717026, -0.4490002642657902, -0.628696575798281, 0.9660395877041965,
    ],
    title: 'Hollow Man',
    issue: 'vol.19',
  },
  {
    id: 2,
    vector: [
      -0.8864122635045097, 0.9260170474445351, 0.801326976181461, 0.6383943392381306, 0.7563037341572827,
    ],
    title: 'Treasure Hunt in Missouri',
    issue: 'vol.12',
  },
]

export const IN_PARTITION = [
  {
    id: 10,
    vector: [
      0.06998888224297328, 0.8582816610326578, -0.9657938677934292, 0.6527905683627726, -0.8668460657158576,
    ],
    title: 'Layour Design Reference',
    issue: 'vol.34',
  },
  {
    id: 11,
    vector: [
      0.6060703043917468, -0.3765080534566074, -0.7710758854987239, 0.36993888322346136, 0.5507513364206531,
    ],
    title: 'Doraemon and His Friends',
    issue: 'vol.2',
  },
  {
    id: 12,
    vector: [
      -0.9041813104515337, -0.9610546012461163, 0.20033003106083358, 0.11842506351635174, 0.8327356724591011,
    ],
    title: 'Pikkachu and Pokemon',
    issue: 'vol.12',
  },
]

/** Rows of the default partition that the merge of the page names; row 12 of partitionA is another copy. */
export const THERE_BEFORE = [
  { id: 3, vector: [0.1, 0.2, 0.3, 0.4, 0.5], title: 'There Before', issue: 'vol.3' },
  { id: 12, vector: [0.5, 0.4, 0.3, 0.2, 0.1], title: 'There As Well', issue: 'vol.12' },
]

export const MERGE = [
  { id: 3, issue: 'vol.14' },
  { id: 12, issue: 'vol.7' },
]
