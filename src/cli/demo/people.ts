/** Who asks, at which customer, on which plan. */
export interface Person {
  readonly user: string
  readonly tenant: string
  readonly tier: 'free' | 'basic' | 'premium' | 'admin'
}

const of = (tenant: string, tier: Person['tier'], users: string): Person[] =>
  users.split(' ').map((user) => ({ user, tenant, tier }))

export const PEOPLE: readonly Person[] = [
  ...of('acme', 'premium', 'ada grace linus margaret'),
  ...of('acme', 'basic', 'ken dennis barbara frances joan alonzo'),
  ...of('globex', 'premium', 'alan donald'),
  ...of('globex', 'basic', 'edsger tony niklaus'),
  ...of('initech', 'basic', 'radia vint leslie'),
  ...of('initech', 'free', 'bjarne guido yukihiro'),
  ...of('initech', 'admin', 'hopper'),
]

/** What a learner asks a tutor. */
export const QUESTIONS: readonly string[] = [
  'Explain recursion as if I were twelve.',
  'Why does my for loop in Python skip every second item?',
  'What is the difference between a list and a tuple?',
  'How do I read a stack trace?',
  'Give me three exercises on binary search, easy to hard.',
  'Why is 0.1 + 0.2 not 0.3?',
  'Review this function: def mean(xs): return sum(xs) / len(xs)',
  'What does Big O of n log n mean in practice?',
  'When should I use an interface and when an abstract class?',
  'How does a hash map find its bucket?',
  'Explain async and await with a kitchen as the example.',
  'What is a race condition? Show one in ten lines.',
  'How do database indexes make queries faster?',
  'What is a foreign key for?',
  'Explain git rebase without scaring me.',
  'Why are my CSS margins collapsing?',
  'What is the event loop?',
  'How do I test a function that reads the clock?',
  'What is the difference between TCP and UDP?',
  'Translate this SQL into plain words: select count(*) from users where active',
  'How can I remember the order of function arguments?',
  'What is memoization? Use Fibonacci.',
  'Why is my recursive function so slow?',
  'What is a pure function good for?',
  'Explain pointers to somebody who knows only JavaScript.',
  'How do I choose between SQL and NoSQL?',
  'What does idempotent mean?',
  'Write a haiku about off-by-one errors.',
  'How do I split a long function?',
  'What is a monad, honestly?',
]

/** Work that may wait: nobody sits in front of it. */
export const CHORES: readonly string[] = [
  'Summarise the progress of class 7b this week, one sentence for each learner.',
  'Write feedback on the essays of group 12, strengths first.',
  'Find the five exercises that most learners gave up on, and say why.',
  'Draft the weekly letter to parents from these notes.',
  'Tag these 40 questions by topic and difficulty.',
]
