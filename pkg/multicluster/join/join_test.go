package join

import (
	"strings"
	"testing"
	"time"
)

func key(t *testing.T) PrivateKey {
	t.Helper()
	k, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSeal(t *testing.T) {
	k := key(t)
	want := Credential{Namespace: "antrea-mc-1", Token: "secret", Expires: time.Unix(1_800_000_000, 0).UTC()}
	sealed, err := Seal(k.Public(), "set", "east", want)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := k.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseKey(kept)
	if err != nil {
		t.Fatal(err)
	}
	got, err := again.Open("set", "east", sealed)
	if err != nil || got != want {
		t.Fatalf("got %+v, %v", got, err)
	}
	for name, open := range map[string]func() error{
		"another key":        func() error { _, err := key(t).Open("set", "east", sealed); return err },
		"another cluster":    func() error { _, err := k.Open("set", "west", sealed); return err },
		"another ClusterSet": func() error { _, err := k.Open("east", "set", sealed); return err },
		"changed": func() error {
			_, err := k.Open("set", "east", append(sealed[:len(sealed)-1:len(sealed)-1], 0, 0))
			return err
		},
		"cut": func() error { _, err := k.Open("set", "east", sealed[:10]); return err },
	} {
		if open() == nil {
			t.Errorf("opened: %s", name)
		}
	}
	if _, err := Seal([]byte("short"), "set", "east", want); err == nil {
		t.Error("sealed to something that is no key")
	}
}

func TestNamesAreUnambiguous(t *testing.T) {
	names := map[string]string{}
	for _, p := range [][2]string{{"a", "b-c"}, {"a-b", "c"}, {"a-b-c", ""}, {"", "a-b-c"}, {strings.Repeat("x", 63), strings.Repeat("y", 63)}} {
		name := NamespaceFor(p[0], p[1])
		if other := names[name]; other != "" {
			t.Errorf("%v and %s are both %s", p, other, name)
		}
		if len(name) > 63 {
			t.Errorf("%s is too long for a namespace", name)
		}
		names[name] = strings.Join(p[:], "/")
	}
}

func TestDecide(t *testing.T) {
	k := key(t)
	now := time.Unix(1_800_000_000, 0)
	anyone := Token{User: "anyone", Expires: now.Add(time.Hour)}
	east := Token{User: "east-only", ClusterID: "east", Expires: now.Add(time.Hour)}
	east2 := Token{User: "east-again", ClusterID: "east", Expires: now.Add(time.Hour)}
	old := Token{User: "old", Expires: now}
	oldEast := Token{User: "old-east", ClusterID: "east", Expires: now}
	request := func(id, user string) Request {
		return Request{Name: AnnounceFor(k.Public()), ClusterID: id, ClusterSetID: "set", PublicKey: k.Public(), Requester: user}
	}
	other := request("east", "anyone")
	other.ClusterSetID = "other"
	misnamed := request("east", "anyone")
	misnamed.Name = "member-x"
	noKey := request("east", "anyone")
	noKey.PublicKey = []byte("x")
	noKey.Name = AnnounceFor(noKey.PublicKey)
	for _, tc := range []struct {
		name   string
		r      Request
		tokens []Token
		want   string
	}{
		{"a token for anyone", request("east", "anyone"), []Token{anyone}, ""},
		{"a token for this cluster", request("east", "east-only"), []Token{anyone, east}, ""},
		{"two tokens for this cluster", request("east", "east-only"), []Token{east2, east}, ""},
		{"a reservation that has ended", request("east", "anyone"), []Token{anyone, oldEast}, ""},
		{"a token for another cluster", request("west", "east-only"), []Token{east}, ReasonTokenForOther},
		{"an ID that is reserved", request("east", "anyone"), []Token{anyone, east}, ReasonClusterIDReserved},
		{"an ended token", request("east", "old"), []Token{old}, ReasonTokenExpired},
		{"a deleted token", request("east", "anyone"), []Token{east}, ReasonTokenUnknown},
		{"another ClusterSet", other, []Token{anyone}, ReasonOtherClusterSet},
		{"a name that is not the key's", misnamed, []Token{anyone}, ReasonInvalidRequest},
		{"no key", noKey, []Token{anyone}, ReasonInvalidRequest},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ""
			if refusal := Decide(tc.r, "set", tc.tokens, now); refusal != nil {
				got = refusal.Reason
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
