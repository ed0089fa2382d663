// Command scale measures what the engine promises beyond one file of ordinary size: that time grows with the data and memory does
// not, what many partitions, many objects and one huge object take, that a budget is kept, that bytes depend on nothing but
// the input, and that a full disk costs nothing but the run.
//
//	go run ./benchmarks/scale                          # all at full size: some 40 GB of disk, and an hour
//	go run ./benchmarks/scale -size 0.01               # a look whether all of it works
//	go run ./benchmarks/scale -only memory,bytes
//
// Every run is a whole process, with wall time, CPU time and peak memory as the system accounts them. It prints one Markdown table with what
// was wanted and a verdict, and ends with 1 where something failed. Wanted figures are ratios within this one command, memory, or seconds of CPU,
// never seconds on the clock. Ratios of time are judged from -size 0.5 on, for below that start and end of a process are most of it, seconds of CPU from 1 on; what
// holds at any size is judged at any size. Wall time means little on a machine where others work: the load is printed.
package main
