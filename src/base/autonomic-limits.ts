/** Bounds of plans, and of what Canopy decides by itself: part of `limits`, by which code names them. */
export const autonomicLimits = {
  /** Ended jobs among which the last one of a title is looked for, and steps of it that are read. */
  pastJobsMax: 200,
  pastStepsMax: 2_000,
  /** The loop that keeps deadlines and budgets looks this often. */
  goalLookMs: 1_000,
  /** A turn of that loop thinks about jobs for so long; budgets it looks at of all, and the other jobs come first in the next turn. */
  goalTurnMs: 250,
  /** A fork looks after goals and orders at least that often, in its own time. */
  forkLookMs: 5 * 60_000,
  /** Until a machine that is to be given back costs nothing more, at most; a budget keeps so much back. */
  goalReleaseMs: 5_000,
  /** How clean power is within that counts for what is bought, and until the deadline at most. */
  intensityHorizonMs: 6 * 60 * 60_000,
  /** Changes of a market that are remembered of an offer, the last ones; and for how long, of one that its site names no more. */
  marketChangesMax: 64,
  marketKeptMs: 3 * 24 * 60 * 60_000,
  /** Offers that a decision to buy names as not taken. */
  decisionOthersMax: 50,
  /** Decisions that an explanation tells, the newest ones. */
  decisionsShown: 20,
  /** For so long a plan's alternatives are asked about for one answer. */
  whyPlanMs: 3_000,
  /** A wall clock that is off by less is drifting, and not set. */
  clockJumpMsMin: 2_000,
  /** A machine that is late is expected in so long at the soonest. */
  bootMsMin: 1_000,
  /** A job for which nothing could be bought is thought about again after this. */
  goalRestMs: 10_000,
  /** A job without a plan that has all it needs is looked at again after this share of what is left until its deadline. */
  goalFarShare: 0.01,
  goalFarMsMax: 60_000,
  /** The loop that looks after projects' shared machines looks this often. */
  fleetLookMs: 1_000,
  /** A task of which nothing is known is taken to run so long. */
  fleetUnknownRunMs: 30_000,
  /** Tasks that came within this part of the longest wait count as having come at once. */
  fleetTogetherShare: 0.25,
  /** What carries the work of a machine that is taken out of use may be held to this part, by what was seen of late. */
  fleetCarriedShareMax: 0.7,
  /** So often the time is doubled for which machines are kept, where some were given back and soon bought again. */
  fleetHoldDoublingsMax: 5,
  /** What is learned of run times is asked for again after this. */
  fleetSeenMs: 5_000,
  /** Kinds of waiting tasks that are told apart. */
  fleetKindsMax: 32,
  /** A machine is given back so long before more of it would be billed. */
  fleetReleaseMs: 15_000,
  /** An offer of which a site gave none is asked for again after this, then after twice as long, up to that. */
  offerRestMsMin: 15_000,
  offerRestMsMax: 15 * 60_000,
  /** What is learned of offers is worked out anew after this. */
  offerLookMs: 5_000,
  /** An order that its site has not carried out by then is called off: another offer may do. */
  orderMsMax: 2 * 60_000,
  /** A machine that was ordered and has not joined by then is given back. */
  bootMsMax: 15 * 60_000,
  /** An order that could not be carried out is tried again after this. */
  orderRetryMs: 5_000,
  /** What sites hold is compared with what was ordered this often. */
  siteAuditMs: 30_000,
  /** What ended machines left at their sites is looked for this often, and so long after one has ended. */
  siteSweepMs: 10 * 60_000,
  siteSweepSoonMs: 60_000,
  /** Orders that have ended stay in memory for so long. */
  ordersKeptMs: 60 * 60_000,
  /** Jobs that are summed up for what a project has cost. */
  costJobsMax: 5_000,
  /** Energy counters of a computer are read this often; readings that are kept. */
  powerLookMs: 1_000,
  powerSamplesMax: 4_096,
  /** Hours of the carbon intensity of a zone that are kept: those that have passed, and those that are forecast. */
  carbonPastHoursMax: 60 * 24,
  carbonAheadHoursMax: 14 * 24,
  carbonZonesMax: 200,
  /** Hours in one call: more than a year. */
  carbonGivenHoursMax: 10_000,
  /** Who tells intensities is asked this often, answers within this, and with no more than that. */
  carbonAskMs: 10 * 60_000,
  carbonLookMs: 15_000,
  carbonAnswerMs: 15_000,
  carbonAnswerBytesMax: 8 * 1024 * 1024,
  /** So far ahead the intensity of a zone is forecast from its past. */
  carbonForecastHours: 72,
  /** Parts in which the time until a deadline is looked at, when work may wait for cleaner power. */
  shiftSlotsMax: 288,
  /** When it is to go on is not written down anew for less, and not told anew for less than that. */
  shiftMovedMsMin: 60_000,
  shiftToldMsMin: 30 * 60_000,
  /** Of what is emitted, the least part that waiting must save. */
  shiftSavingMin: 0.02,
  /** Of what is still to be spent, the least part that other machines must save to take the place of those that are there. */
  exchangeSavingMin: 0.15,
  /** Work that waits for it is looked at this often at least. */
  shiftLookMs: 60_000,
  /** After a start machines connect again within this; what waits goes on waiting meanwhile. */
  shiftSettleMs: 10_000,
  /** A plan that nobody has approved by then is too old: prices and machines change. */
  planLifeMs: 10 * 60_000,
  /** A proposal for a job that runs is not replaced sooner for its numbers alone; and what was declined is not proposed again sooner. */
  proposalRestMs: 5 * 60_000,
  fleetProposalRestMs: 60_000,
  proposalDeclinedMs: 60 * 60_000,
  /** It is looked so often what costs money and serves nobody; a plan to end it may be approved for so long, and what was declined is not proposed again sooner. */
  savingsLookMs: 60_000,
  savingPlanLifeMs: 7 * 24 * 60 * 60_000,
  savingDeclinedMs: 30 * 24 * 60 * 60_000,
  /** A machine that has joined, and has not dialled by then, is not counted on. */
  dialMsMax: 15_000,
  /** After machines of a job were exchanged for cheaper ones, so long nothing else is. */
  exchangeRestMs: 2 * 60_000,
  /** A plan is improved, and its bound, for so long at most before it is shown. */
  planImproveMs: 1_000,
  /** Plans that wait for that; more are shown as they are. A solver that has not answered by then is ended. */
  planImproveWaitingMax: 8,
  planAnswerMs: 10_000,
  /** Plans that were decided, or that nobody can approve any more, stay in memory so long, and one that was approved while its job is there; then they are in the archive. */
  planKeptMs: 24 * 60 * 60_000,
  /** Tasks up to which a plan plays out how steps wait for each other; beyond, their longest chain stands for it. */
  planStepTasksMax: 5000,
  /** Steps of a job up to which those go first that others wait for longest. */
  rankedStepsMax: 20_000,
  /** Tasks of a plan up to which its bound looks at all that is before and after each: a square of work. */
  planRefinedTasksMax: 1000,
  /** Heads, and tails, from which on a plan's bound looks at sets of tasks. */
  planThresholdsMax: 32,
  /** States that a plan's exact search remembers. */
  planStatesMax: 200_000,
} as const;
