import type { AnyDefinition } from "./call.ts";
import { listCarbonZones } from "./carbon/list.ts";
import { readCarbonZone } from "./carbon/read.ts";
import { removeCarbonZone } from "./carbon/remove.ts";
import { setCarbonZone } from "./carbon/set.ts";
import { listGameDays } from "./chaos/list.ts";
import { previewGameDay } from "./chaos/preview.ts";
import { readChaosPolicy } from "./chaos/read-policy.ts";
import { readGameDay } from "./chaos/read.ts";
import { removeChaosPolicy } from "./chaos/remove-policy.ts";
import { setChaosPolicy } from "./chaos/set-policy.ts";
import { startGameDay } from "./chaos/start.ts";
import { stopGameDay } from "./chaos/stop.ts";
import { getAgentFile } from "./agent/get.ts";
import { announce } from "./control-planes/announce.ts";
import { readEnergy } from "./energy/read.ts";
import { followEvents } from "./events/follow.ts";
import { cancelJob } from "./jobs/cancel.ts";
import { closeJob } from "./jobs/close.ts";
import { costOfJob } from "./jobs/cost.ts";
import { decisionsOfJob } from "./jobs/decisions.ts";
import { followJob } from "./jobs/events.ts";
import { listJobs } from "./jobs/list.ts";
import { logsOfJob } from "./jobs/logs.ts";
import { readJob } from "./jobs/read.ts";
import { resultOfJob } from "./jobs/result.ts";
import { retryJob } from "./jobs/retry.ts";
import { submitJob } from "./jobs/submit.ts";
import { whyJob } from "./jobs/why.ts";
import { readFleet } from "./fleet/read.ts";
import { whyFleet } from "./fleet/why.ts";
import { readForecast } from "./forecast/read.ts";
import { replayLoad } from "./forecast/replay.ts";
import { whatIf } from "./forecast/what-if.ts";
import { createJoinToken } from "./join-tokens/create.ts";
import { takeBackup } from "./backup/take.ts";
import { changeBucket } from "./buckets/change.ts";
import { createBucket } from "./buckets/create.ts";
import { listBuckets } from "./buckets/list.ts";
import { readBucket } from "./buckets/read.ts";
import { removeBucket } from "./buckets/remove.ts";
import { createNotification } from "./notifications/create.ts";
import { listNotifications } from "./notifications/list.ts";
import { removeNotification } from "./notifications/remove.ts";
import { createWebhook } from "./webhooks/create.ts";
import { createImage } from "./images/create.ts";
import { listImages } from "./images/list.ts";
import { listOrphans } from "./images/orphans.ts";
import { readImage } from "./images/read.ts";
import { removeOrphanedData } from "./images/remove-orphan.ts";
import { removeImage } from "./images/remove.ts";
import { listWebhooks } from "./webhooks/list.ts";
import { removeWebhook } from "./webhooks/remove.ts";
import { createAccessKey } from "./access-keys/create.ts";
import { listAccessKeys } from "./access-keys/list.ts";
import { removeAccessKey } from "./access-keys/remove.ts";
import { createKey } from "./keys/create.ts";
import { listKeys } from "./keys/list.ts";
import { listTrail } from "./trail/list.ts";
import { removeKey } from "./keys/remove.ts";
import { whyKey } from "./keys/why.ts";
import { changeMachine } from "./machines/change.ts";
import { evacuateMachine } from "./machines/evacuate.ts";
import { joinMachine } from "./machines/join.ts";
import { listMachines } from "./machines/list.ts";
import { readMachine } from "./machines/read.ts";
import { removeMachine } from "./machines/remove.ts";
import { whyMachine } from "./machines/why.ts";
import { listInstanceTypes } from "./instance-types/list.ts";
import { whyInstanceType } from "./instance-types/why.ts";
import {
  rebootInstance,
  startInstance,
  stopInstance,
  terminateInstance,
} from "./instances/change-state.ts";
import { changeInstanceCall } from "./instances/change.ts";
import { consoleOfInstance } from "./instances/console.ts";
import { createImageOfInstance } from "./instances/create-image.ts";
import { readIdentityCertificate } from "./instances/identity-certificate.ts";
import { launchInstances } from "./instances/launch.ts";
import { listInstances } from "./instances/list.ts";
import { listSavings } from "./instances/savings.ts";
import { createEventSubscription } from "./event-subscriptions/create.ts";
import { listEventSubscriptions } from "./event-subscriptions/list.ts";
import { removeEventSubscription } from "./event-subscriptions/remove.ts";
import { whySaving } from "./instances/why-saving.ts";
import { migrateInstance } from "./instances/migrate.ts";
import { readInstance } from "./instances/read.ts";
import { screenshotOfInstance } from "./instances/screenshot.ts";
import { whyInstance } from "./instances/why.ts";
import { createKeyPair } from "./key-pairs/create.ts";
import { listKeyPairs } from "./key-pairs/list.ts";
import { removeKeyPair } from "./key-pairs/remove.ts";
import { readSegment } from "./machines/segments.ts";
import { getBlob } from "./blobs/get.ts";
import { putBlob } from "./blobs/put.ts";
import { listOrders } from "./orders/list.ts";
import { whyOrder } from "./orders/why.ts";
import { applyPlan } from "./plans/apply.ts";
import { approvePlan } from "./plans/approve.ts";
import { createPlan } from "./plans/create.ts";
import { declinePlan } from "./plans/decline.ts";
import { listPlans } from "./plans/list.ts";
import { readPlan } from "./plans/read.ts";
import { whyPlan } from "./plans/why.ts";
import { readPolicy } from "./policy/read.ts";
import { removePolicy } from "./policy/remove.ts";
import { setPolicy } from "./policy/set.ts";
import { whyPolicy } from "./policy/why.ts";
import { changeProject } from "./projects/change.ts";
import { costOfProject } from "./projects/cost.ts";
import { createProject } from "./projects/create.ts";
import { listProjects } from "./projects/list.ts";
import { readProject } from "./projects/read.ts";
import { removeProject } from "./projects/remove.ts";
import { whyProject } from "./projects/why.ts";
import { listSites } from "./sites/list.ts";
import { readSite } from "./sites/read.ts";
import { removeSite } from "./sites/remove.ts";
import { setSite } from "./sites/set.ts";
import { whySite } from "./sites/why.ts";
import { adviseOnSpot } from "./spot/advice.ts";
import { listSpotPrices } from "./spot/prices.ts";
import { createSnapshot } from "./snapshots/create.ts";
import { listSnapshots } from "./snapshots/list.ts";
import { readSnapshot } from "./snapshots/read.ts";
import { removeSnapshot } from "./snapshots/remove.ts";
import { readStatus } from "./status/read.ts";
import { addStep } from "./steps/add.ts";
import { appendTasks } from "./steps/append.ts";
import { listSteps } from "./steps/list.ts";
import { readStep } from "./steps/read.ts";
import { resultsOfStep } from "./steps/results.ts";
import { listTasks } from "./tasks/list.ts";
import { readTask } from "./tasks/read.ts";
import { whyTask } from "./tasks/why.ts";
import { attachVolume } from "./volumes/attach.ts";
import { changeVolume } from "./volumes/change.ts";
import { createVolume } from "./volumes/create.ts";
import { detachVolume } from "./volumes/detach.ts";
import { listVolumes } from "./volumes/list.ts";
import { readVolume } from "./volumes/read.ts";
import { removeVolume } from "./volumes/remove.ts";

/** Every call there is, beside `GET /v1/link` for agents and the four for operators in `operators.ts`. */
export const routes: Record<string, AnyDefinition> = {
  "POST   /v1/jobs": submitJob,
  "GET    /v1/jobs": listJobs,
  "GET    /v1/jobs/:job": readJob,
  "GET    /v1/jobs/:job/result": resultOfJob,
  "GET    /v1/jobs/:job/cost": costOfJob,
  "GET    /v1/jobs/:job/why": whyJob,
  "GET    /v1/jobs/:job/decisions": decisionsOfJob,
  "GET    /v1/jobs/:job/events": followJob,
  "GET    /v1/jobs/:job/logs": logsOfJob,
  "POST   /v1/jobs/:job/cancel": cancelJob,
  "POST   /v1/jobs/:job/retry": retryJob,
  "POST   /v1/jobs/:job/close": closeJob,

  "POST   /v1/jobs/:job/steps": addStep,
  "GET    /v1/jobs/:job/steps": listSteps,
  "GET    /v1/jobs/:job/steps/:step": readStep,
  "GET    /v1/jobs/:job/steps/:step/results": resultsOfStep,
  "POST   /v1/jobs/:job/steps/:step/tasks": appendTasks,

  "GET    /v1/jobs/:job/tasks": listTasks,
  "GET    /v1/jobs/:job/steps/:step/tasks/:index": readTask,
  "GET    /v1/jobs/:job/steps/:step/tasks/:index/why": whyTask,

  "POST   /v1/plans": createPlan,
  "GET    /v1/plans": listPlans,
  "GET    /v1/plans/:plan": readPlan,
  "GET    /v1/plans/:plan/why": whyPlan,
  "POST   /v1/plans/:plan/approve": approvePlan,
  "POST   /v1/plans/:plan/apply": applyPlan,
  "POST   /v1/plans/:plan/decline": declinePlan,
  "GET    /v1/orders": listOrders,
  "GET    /v1/orders/:order/why": whyOrder,
  "GET    /v1/fleet": readFleet,
  "GET    /v1/fleet/why": whyFleet,
  "GET    /v1/policy": readPolicy,
  "PUT    /v1/policy": setPolicy,
  "DELETE /v1/policy": removePolicy,
  "GET    /v1/policy/why": whyPolicy,

  "POST   /v1/blobs": putBlob,
  "GET    /v1/blobs/:key": getBlob,

  "GET    /v1/machines": listMachines,
  "GET    /v1/machines/:machine": readMachine,
  "GET    /v1/machines/:machine/why": whyMachine,
  "PATCH  /v1/machines/:machine": changeMachine,
  "DELETE /v1/machines/:machine": removeMachine,
  "GET    /v1/machines/:machine/segments/*": readSegment,
  "POST   /v1/machines/:machine/evacuate": evacuateMachine,
  "POST   /v1/machines/join": joinMachine,
  "POST   /v1/join-tokens": createJoinToken,
  "GET    /v1/agent/:file": getAgentFile,

  "POST   /v1/instances": launchInstances,
  "GET    /v1/instances": listInstances,
  "GET    /v1/instance-identity-certificate": readIdentityCertificate,
  "GET    /v1/instances/:instance": readInstance,
  "GET    /v1/instances/:instance/console": consoleOfInstance,
  "GET    /v1/instances/:instance/screenshot": screenshotOfInstance,
  "POST   /v1/instances/:instance/image": createImageOfInstance,
  "POST   /v1/instances/:instance/start": startInstance,
  "POST   /v1/instances/:instance/stop": stopInstance,
  "POST   /v1/instances/:instance/reboot": rebootInstance,
  "PATCH  /v1/instances/:instance": changeInstanceCall,
  "POST   /v1/instances/:instance/migrate": migrateInstance,
  "DELETE /v1/instances/:instance": terminateInstance,
  "GET    /v1/instances/:instance/why": whyInstance,
  "GET    /v1/event-subscriptions": listEventSubscriptions,
  "POST   /v1/event-subscriptions": createEventSubscription,
  "DELETE /v1/event-subscriptions/:subscription": removeEventSubscription,
  "GET    /v1/savings": listSavings,
  "GET    /v1/savings/:saving/why": whySaving,
  "GET    /v1/spot-prices": listSpotPrices,
  "GET    /v1/spot-advice": adviseOnSpot,
  "GET    /v1/instance-types": listInstanceTypes,
  "GET    /v1/instance-types/:type/why": whyInstanceType,
  "GET    /v1/key-pairs": listKeyPairs,
  "POST   /v1/key-pairs": createKeyPair,
  "DELETE /v1/key-pairs/:keyPair": removeKeyPair,
  "POST   /v1/volumes": createVolume,
  "GET    /v1/volumes": listVolumes,
  "GET    /v1/volumes/:volume": readVolume,
  "PATCH  /v1/volumes/:volume": changeVolume,
  "DELETE /v1/volumes/:volume": removeVolume,
  "POST   /v1/volumes/:volume/attach": attachVolume,
  "POST   /v1/volumes/:volume/detach": detachVolume,
  "POST   /v1/snapshots": createSnapshot,
  "GET    /v1/snapshots": listSnapshots,
  "GET    /v1/snapshots/:snapshot": readSnapshot,
  "DELETE /v1/snapshots/:snapshot": removeSnapshot,

  "GET    /v1/sites": listSites,
  "GET    /v1/sites/:site": readSite,
  "GET    /v1/sites/:site/why": whySite,
  "PUT    /v1/sites/:site": setSite,
  "DELETE /v1/sites/:site": removeSite,

  "GET    /v1/energy": readEnergy,
  "GET    /v1/carbon-zones": listCarbonZones,
  "GET    /v1/carbon-zones/:zone": readCarbonZone,
  "PUT    /v1/carbon-zones/:zone": setCarbonZone,
  "DELETE /v1/carbon-zones/:zone": removeCarbonZone,

  "GET    /v1/chaos/policy": readChaosPolicy,
  "PUT    /v1/chaos/policy": setChaosPolicy,
  "DELETE /v1/chaos/policy": removeChaosPolicy,
  "POST   /v1/chaos/preview": previewGameDay,
  "POST   /v1/chaos/game-days": startGameDay,
  "GET    /v1/chaos/game-days": listGameDays,
  "GET    /v1/chaos/game-days/:gameDay": readGameDay,
  "POST   /v1/chaos/game-days/:gameDay/stop": stopGameDay,

  "GET    /v1/forecast": readForecast,
  "POST   /v1/what-if": whatIf,
  "POST   /v1/replays": replayLoad,

  "GET    /v1/backup": takeBackup,

  "GET    /v1/projects": listProjects,
  "POST   /v1/projects": createProject,
  "GET    /v1/projects/:name": readProject,
  "GET    /v1/projects/:name/cost": costOfProject,
  "GET    /v1/projects/:name/why": whyProject,
  "PATCH  /v1/projects/:name": changeProject,
  "DELETE /v1/projects/:name": removeProject,
  "GET    /v1/buckets": listBuckets,
  "POST   /v1/buckets": createBucket,
  "GET    /v1/buckets/:bucket": readBucket,
  "PATCH  /v1/buckets/:bucket": changeBucket,
  "DELETE /v1/buckets/:bucket": removeBucket,
  "GET    /v1/buckets/:bucket/notifications": listNotifications,
  "POST   /v1/buckets/:bucket/notifications": createNotification,
  "DELETE /v1/buckets/:bucket/notifications/:notification": removeNotification,
  "GET    /v1/images": listImages,
  "POST   /v1/images": createImage,
  "GET    /v1/images/:image": readImage,
  "DELETE /v1/images/:image": removeImage,
  "GET    /v1/orphaned-image-data": listOrphans,
  "DELETE /v1/orphaned-image-data/:image": removeOrphanedData,
  "GET    /v1/webhooks": listWebhooks,
  "POST   /v1/webhooks": createWebhook,
  "DELETE /v1/webhooks/:webhook": removeWebhook,
  "GET    /v1/access-keys": listAccessKeys,
  "POST   /v1/access-keys": createAccessKey,
  "DELETE /v1/access-keys/:key": removeAccessKey,
  "GET    /v1/keys": listKeys,
  "GET    /v1/trail": listTrail,
  "POST   /v1/keys": createKey,
  "GET    /v1/keys/:key/why": whyKey,
  "DELETE /v1/keys/:key": removeKey,

  "GET    /v1/events": followEvents,
  "GET    /v1/status": readStatus,
  "POST   /v1/control-planes": announce,
};
