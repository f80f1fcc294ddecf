#!/usr/bin/env bash
# A suite of 40 trainings as an array of a one-node Slurm of Debian's packages (slurmctld, slurmd), whose tasks are
# requeued and killed at random, gives the report of an undisturbed run: tests/slurm/slurm_test.sh CMKD
# Exit status 77, which ctest takes for skipped, without Slurm or without the right to start it.
set -euo pipefail
cmkd=$(realpath -- "$1")
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
for program in slurmctld slurmd sbatch scontrol squeue; do
  PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || { echo "skipped: $program is not installed" >&2 && exit 77; }
done
[[ $(id -u) == 0 ]] || { echo "skipped: slurmd wants to be root" >&2 && exit 77; }
PATH=$PATH:/usr/sbin

work=$(mktemp -d)
daemons=()
cleanup() {
  scancel --full --signal=KILL --user="$(id -un)" 2>/dev/null || true
  for process in ${daemons[@]+"${daemons[@]}"}; do kill "$process" 2>/dev/null || true; done
  for process in ${daemons[@]+"${daemons[@]}"}; do wait "$process" 2>/dev/null || true; done
  pkill -KILL -f -- "--out $work/" 2>/dev/null || true
  rm -rf -- "$work"
}
trap cleanup EXIT

host=$(hostname -s)
port=$((20000 + RANDOM % 20000))
mkdir "$work/state" "$work/spool"
cat >"$work/slurm.conf" <<CONF
ClusterName=cmkd_test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/none
CredType=cred/none
AuthInfo=cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,bf_interval=1
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
KillWait=5
MaxArraySize=1000
SlurmdParameters=config_overrides
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$work/slurm.conf
slurmctld -D >/dev/null 2>&1 &
daemons+=($!)
slurmd -D >/dev/null 2>&1 &
daemons+=($!)
for ((second = 0; ; ++second)); do
  [[ $(sinfo --noheader --format=%T 2>/dev/null) == idle ]] && break
  if ((second == 60)); then
    tail -n 20 "$work"/slurm*.log >&2
    echo "the node of the test's Slurm did not come up" >&2
    exit 1
  fi
  sleep 1
done

# 8 seeds of a teacher and 4 methods.
cat >"$work/array.toml" <<'TOML'
[suite]
title = "An array"
seeds = 8
[dataset]
id = "synthetic"
train_clips = 240
test_clips = 40
[ingest]
height = 16
width = 16
fps = 8.0
sample_rate = 8000
[clip]
frames = 4
[labels]
labelled = 40
[teacher]
modality = "audio"
model = "audio_cnn"
n_fft = 256
hop_length = 80
n_mels = 16
width = 8
[teacher.training]
epochs = 4
batch_labelled = 0
batch_unlabelled = 8
[student]
modality = "video"
model = "r2plus1d_small"
width = 8
[training]
epochs = 6
batch_labelled = 4
batch_unlabelled = 4
[[methods]]
id = "teacher"
[[methods]]
id = "student"
[[methods]]
id = "kd"
[[methods]]
id = "mnf_csc"
[[methods]]
id = "crd"
TOML
cd -- "$work"
"$cmkd" run array.toml --out "$work/whole" --cache "$work/cache" --jobs 2 2>/dev/null

read -r array merge < <(CMKD=$cmkd "$root/scripts/slurm/submit" array.toml --shards 8 --out "$work/sharded" \
  --cache "$work/cache" --checkpoint-seconds 0.2)
echo "array $array, merge $merge"
requeued=0 killed=0
limit=$((SECONDS + 900))
while [[ -n $(squeue --noheader --jobs="$array,$merge" 2>/dev/null) ]]; do
  ((SECONDS < limit)) || { squeue >&2; tail -n 5 "$work"/sharded/*.log >&2; echo "the array does not end" >&2; exit 1; }
  sleep "$((RANDOM % 2)).$((RANDOM % 10))"
  ((requeued + killed < 40)) || continue
  mapfile -t running < <(squeue --noheader --states=RUNNING --jobs="$array" --array --format=%A 2>/dev/null)
  [[ ${#running[@]} -gt 0 && -n ${running[0]} ]] || continue
  if ((RANDOM % 2)); then
    scontrol requeue "${running[RANDOM % ${#running[@]}]}" 2>/dev/null && ((++requeued))
  else
    mapfile -t programs < <(pgrep -f -- "--out $work/sharded")
    [[ ${#programs[@]} -gt 0 ]] || continue
    kill -KILL "${programs[RANDOM % ${#programs[@]}]}" 2>/dev/null && ((++killed))
  fi
done
echo "tasks requeued $requeued times, programs killed $killed times"
((requeued > 0 && killed > 0)) || { echo "nothing was disturbed: nothing is shown" >&2; exit 1; }
cat "$work/sharded/merge.log"
for log in "$work"/sharded/shard-*.log; do tail -n 1 "$log" | sed "s|^|$(basename -- "$log"): |"; done
for format in markdown csv json; do
  for out in whole sharded; do
    "$cmkd" report array.toml --out "$work/$out" --format "$format" --no-cost >"$work/$out.$format"
  done
  cmp "$work/whole.$format" "$work/sharded.$format"
done
grep -c . "$work/whole.csv" | sed 's/$/ lines of the CSV, the same in both/'
