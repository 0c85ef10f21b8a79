import { hostname } from "node:os";

/** Far more than there are cores, because the tasks do nothing. */
const cpus = 128;

/** For throughput, as in Slurm's guide on high-throughput computing: little logged, little gathered, no pauses. */
export function slurmConfig(folder: string, controllerPort: number, nodePort: number): string {
  return `ClusterName=bench
SlurmctldHost=${hostname()}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
SlurmctldPort=${controllerPort}
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldDebug=error
SlurmdDebug=error
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1
ReturnToService=2
SlurmdParameters=config_overrides
MailProg=/bin/true
JobCompType=jobcomp/filetxt
JobCompLoc=${folder}/completions
AccountingStorageType=accounting_storage/none
PropagateResourceLimits=NONE
MinJobAge=2
NodeName=n1 NodeHostname=${hostname()} NodeAddr=127.0.0.1 Port=${nodePort} CPUs=${cpus} RealMemory=4000
PartitionName=main Nodes=n1 Default=YES MaxTime=INFINITE State=UP
`;
}
