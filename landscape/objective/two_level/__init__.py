"""J on a grid to a stated tolerance: every point over some examples, some points over all.

J(a) is a mean of curves c_e(a) that resemble one another, and those of a few hundred examples say where they bend and
how much they differ. So that is asked first (``subset``): some examples at all A points. From them alone it is known
which K points, taken over all N examples (*nodes*), leave least unsaid, and what the whole will cost (``plan``). Then

    J(a) = W J(nodes) + mean of r_e(a),   r_e = c_e - W c_e(nodes),

where W is splines and what regression adds to them, and the mean is over examples at random; ``estimate`` says why it
is right on average, and how far off. K + n A / N passes instead of A.

**Who is looked at.** Each example has a random key of its own number, and those with the smallest come first, so that
more of them are the same and some more, and a stream finds the same ones. Once all examples were seen at the nodes they
are cut into ``strata`` by how badly their costs there fit, and from each so many are taken as its spread asks for.

**How far off.** ``SURE`` standard errors and what the unseen may add; larger where the means of the examples at the
nodes are not those of all, for W is then used beside where it was learnt. Some points are taken over all examples to
see; where one is farther off than was said, everything may be by as much more (``inflation``), and more is taken until
it is not. A point that was taken over all examples has the error 0, and is what a full pass there gives.

**What is settled.** The lowest and the highest point and, on a line, both ends of the largest rise within [0, 1] are
taken over all examples (``settle``); what is left to estimates moves no such number by more than they may be off.

**What is taken in full instead**, with a logged line that says why: few points, few examples, sequences read side by
side, costs that are one value for a whole batch, whatever would save little; points where a value is not finite, and
what lies beside them. Over a stream (``streamed``) there are two passes, seldom more, and nothing is kept meanwhile;
one that shows other examples in its second pass is taken in full in one.

A feature that no example which was looked at has, at no node, is not seen: a bump of one example in 20,000 between two
nodes moves J by its height over 20,000.
"""
