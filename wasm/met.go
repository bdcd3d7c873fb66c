package main

import "khien/shared/checker"

// meet tells what of an address or a text is to be kept.
func (c *core) meet(request []byte) ([]byte, error) {
	var q meetRequest
	if err := read(request, &q); err != nil {
		return nil, err
	}
	var met []checker.Met
	var err error
	if q.Href != "" {
		met, err = c.checker.Meet(q.Href, q.Now)
	} else {
		met, err = c.checker.MeetText(q.Selected, q.Now, q.Speaks...)
	}
	if err != nil {
		return nil, err
	}
	reply := meetReply{Heads: []byte{}}
	for _, m := range met {
		reply.Heads = append(reply.Heads, m.Head[:]...)
		reply.Places = append(reply.Places, m.Place)
	}
	return reply.MarshalMsg(nil)
}

// recall tells which of what was met is listed now.
func (c *core) recall(request []byte) ([]byte, error) {
	var q recallRequest
	if err := read(request, &q); err != nil {
		return nil, err
	}
	if len(q.Heads)%checker.HeadSize != 0 || len(q.Heads) > maxHeads*checker.HeadSize {
		return nil, errRequest
	}
	var reply recallReply
	for i := range len(q.Heads) / checker.HeadSize {
		f := c.checker.Recall([checker.HeadSize]byte(q.Heads[i*checker.HeadSize:]), q.Now)
		if f.Verdict == checker.Listed {
			reply.Listed = append(reply.Listed, uint32(i))
			reply.Buckets = append(reply.Buckets, f.Bucket)
		}
	}
	return reply.MarshalMsg(nil)
}

// remember confirms one of them by its bucket, and tells the reason.
func (c *core) remember(request []byte) ([]byte, error) {
	var q rememberRequest
	if err := read(request, &q); err != nil {
		return nil, err
	}
	if len(q.Head) != checker.HeadSize {
		return nil, errRequest
	}
	f, err := c.checker.RecallReason([checker.HeadSize]byte(q.Head), q.Bucket, q.Now)
	if err != nil {
		return nil, err
	}
	return (&resolveReply{answerOf(f, q.Language)}).MarshalMsg(nil)
}
