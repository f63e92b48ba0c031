package main

import (
	"os"
	"strconv"
	"strings"
)

// cpu time of a process, in seconds.
type cpu struct{ user, system float64 }

func (c cpu) total() float64 { return c.user + c.system }

func (c cpu) less(before cpu) cpu { return cpu{c.user - before.user, c.system - before.system} }

// cpuOf all threads of a process. Zero when it is gone.
func cpuOf(pid int) cpu {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return cpu{}
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return cpu{user / 100, system / 100} // ticks: 100 a second on every Linux
}

// residentBytes of a process. Zero when it is gone.
func residentBytes(pid int) int64 {
	statm, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
