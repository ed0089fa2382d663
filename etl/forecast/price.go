package forecast

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
)

// Prices of AWS, in US dollars.
type Prices struct {
	// Region and Date say of where and when they are.
	Region string `json:"region"`
	Date   string `json:"date"`
	// VCPUHour and GBHour are Fargate's, Linux on x86.
	VCPUHour float64 `json:"fargate_vcpu_hour"`
	GBHour   float64 `json:"fargate_gb_hour"`
	// Puts are S3's price of 1,000 PUT, COPY, POST and LIST requests, Gets that of 1,000 GET and HEAD requests.
	Puts float64 `json:"s3_1000_puts"`
	Gets float64 `json:"s3_1000_gets"`
	// Storage is a month of a GB in S3 Standard.
	Storage float64 `json:"s3_gb_month"`
}

// DefaultPrices are the list prices of us-east-1, without discounts and free tiers.
func DefaultPrices() Prices {
	return Prices{
		Region: "us-east-1", Date: "2025-11-01",
		VCPUHour: 0.04048, GBHour: 0.004445, Puts: 0.005, Gets: 0.0004, Storage: 0.023,
	}
}

// ParsePrices reads prices as JSON; what is not given is as in DefaultPrices. Unknown keys and negative prices are errors.
func ParsePrices(text []byte) (Prices, error) {
	p := DefaultPrices()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return p, fmt.Errorf("read prices: %w; the keys are region, date, fargate_vcpu_hour, fargate_gb_hour, s3_1000_puts, s3_1000_gets, s3_gb_month", err)
	}
	for _, x := range []float64{p.VCPUHour, p.GBHour, p.Puts, p.Gets, p.Storage} {
		if x < 0 {
			return p, fmt.Errorf("read prices: %g is no price", x)
		}
	}
	return p, nil
}

// Cost is what a run would cost as one Fargate task on S3.
type Cost struct {
	Prices Prices `json:"prices"`
	// VCPU and GB are the size of the task: a virtual CPU for each thread, and the least memory that Fargate has for it and that holds the
	// run's; the largest task, where none is large enough. Seconds are paid: those of the run, at least a minute.
	VCPU    float64 `json:"vcpu"`
	GB      float64 `json:"gb"`
	Seconds float64 `json:"billed_seconds"`
	// Puts and Gets are requests, counted as Prices counts them.
	Puts int64 `json:"put_requests"`
	Gets int64 `json:"get_requests"`
	// Compute, Requests and Total are US dollars; Storage is US dollars a month for what is written.
	Compute  float64 `json:"compute_usd"`
	Requests float64 `json:"requests_usd"`
	Total    float64 `json:"total_usd"`
	Storage  float64 `json:"storage_usd_month"`
}

// The sizes of Fargate tasks: for each number of CPUs the least and the most memory, in GB, and the step between.
var tasks = []struct{ vcpu, least, most, step float64 }{
	{1, 2, 8, 1}, {2, 4, 16, 1}, {4, 8, 30, 1}, {8, 16, 60, 4}, {16, 32, 120, 8},
}

// Requests of a run beside those of its objects and files: the log, the catalog, listings that are not of raw objects.
const (
	runPuts = 30
	runGets = 40
	// perFile requests go to each file, and to its partition: it is put aside, copied to its directory, which is listed; it is read back
	// (its info, its end, its footer), and looked at before and after the copy.
	perFilePuts = 3
	perFileGets = 5
	// rangeBytes of a large object are read by a request.
	rangeBytes = 32 << 20
)

// Of gives the cost of a run on so many threads that reads its objects so many times.
func (p Prices) Of(f *Forecast, threads int, passes int64) Cost {
	c := Cost{Prices: p, Seconds: max(60, math.Ceil(f.Seconds))}
	need := float64(f.PeakMemory) * 1.2 / (1 << 30)
	for _, t := range tasks {
		if c.VCPU, c.GB = t.vcpu, t.most; t.vcpu >= float64(threads) && need <= t.most {
			c.GB = t.least + max(0, math.Ceil((need-t.least)/t.step))*t.step
			break
		}
	}
	if f.Objects > 0 {
		c.Puts = runPuts + int64(f.Objects)/1000 + perFilePuts*int64(f.Files)
		c.Gets = runGets + passes*int64(f.Objects) + f.BytesIn/rangeBytes + perFileGets*int64(f.Files)
	} else {
		c.Seconds = 60
	}
	c.Compute = c.Seconds / 3600 * (c.VCPU*p.VCPUHour + c.GB*p.GBHour)
	c.Requests = float64(c.Puts)/1000*p.Puts + float64(c.Gets)/1000*p.Gets
	c.Total = c.Compute + c.Requests
	c.Storage = float64(f.BytesOut) / 1e9 * p.Storage
	return c
}
