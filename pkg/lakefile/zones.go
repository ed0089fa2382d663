package lakefile

import (
	"fmt"
	"net/url"
	"path"
	"strings"

	"datalake/pkg/lakefile/grammar"
)

var zoneNames = grammar.Zones.Names()

const allowedURL = "a URL such as file:///data/lake or s3://bucket/lake"

func (r *reader) zones(n *node, key string) Zones {
	var z Zones
	all := z.all()
	m := r.fields(n, key, grammar.Zones)
	for _, name := range zoneNames {
		if v := m[name]; v != nil {
			*all[name] = r.url(v, join(key, name), name != "root" && name != "raw")
		}
	}
	// No zone may lie in another: a reader who lists one must not see the other's files.
	full := z.Under("lake:")
	whole := full.all()
	for i, a := range zoneNames[1:] {
		for _, b := range zoneNames[1:][:i] {
			x, y := *whole[a], *whole[b]
			if x != y && !strings.HasPrefix(x, y+"/") && !strings.HasPrefix(y, x+"/") {
				continue
			}
			at, where := m[a], join(key, a)
			if at == nil {
				at, where = m[b], join(key, b)
			}
			if at != nil && x != "" && y != "" {
				r.bad(at, where, fmt.Sprintf("the zones %s and %s lie in one another", b, a), "each zone has a place of its own")
			}
		}
	}
	return z
}

// url reads a zone's URL. below: it must not be the root of a bucket or a disk.
func (r *reader) url(n *node, key string, below bool) string {
	s, ok := r.text(n, key, allowedURL)
	if !ok {
		return ""
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme == "":
		r.bad(n, key, fmt.Sprintf("%q is no URL", s), allowedURL)
	case u.Scheme != "file" && u.Scheme != "s3":
		r.bad(n, key, fmt.Sprintf("unknown scheme %s", u.Scheme), allowedURL)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil || u.Opaque != "":
		r.bad(n, key, fmt.Sprintf("%q has more than a place", s), allowedURL)
	case u.Scheme == "file" && u.Host != "":
		r.bad(n, key, fmt.Sprintf("%q names a host, %s", s, u.Host), "a file URL has three slashes: file:///data/lake")
	case u.Scheme == "file" && u.Path == "":
		r.bad(n, key, fmt.Sprintf("%q has no path", s), allowedURL)
	case u.Scheme == "s3" && u.Host == "":
		r.bad(n, key, fmt.Sprintf("%q has no bucket", s), allowedURL)
	case u.Path != "" && path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") && path.Clean(u.Path) != u.Path:
		r.bad(n, key, fmt.Sprintf("%q has empty or dotted folders in it", s), allowedURL)
	case below && strings.Trim(u.Path, "/") == "":
		r.bad(n, key, "a zone is never the root of a bucket or a disk", "name a folder in it")
	default:
		return trimURL(s)
	}
	return ""
}

// trimURL takes the slashes off a URL's end, but those of file:///.
func trimURL(s string) string {
	t := strings.TrimRight(s, "/")
	if strings.HasSuffix(t, ":") {
		return s
	}
	return t
}
